//! AWS's calls: from an HTTP request to an operation, and back.
//!
//! The services share one address, as the endpoint setting of AWS's clients requires. `X-Amz-Target` marks calls of
//! those that speak JSON. A form with `Action` is a call of STS, IAM, CloudFormation or CloudWatch if one has an
//! operation of that name, and else of EC2.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use super::reset::ConnectionReset;
use super::signature::SignedParts;
use super::{auth, reply};
use crate::ec2::{self, Query};
use crate::error::ApiError;
use crate::faults::CallFaults;
use crate::service::AwsService;
use crate::throttle::Bucket;
use crate::world::World;
use crate::{cloudformation, cloudwatch, ecs, iam, ids, logs, records, sts};

const TARGET: HeaderName = HeaderName::from_static("x-amz-target");

/// A call of an operation.
struct ApiCall {
    service: AwsService,
    operation: String,
    query: Query,
}

/// The call of a request, if AWS would know it.
fn route(method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Option<ApiCall> {
    if uri.path() != "/" {
        return None;
    }
    if let Some(target) = headers.get(TARGET) {
        let target = target.to_str().ok()?;
        let logs = (logs::TARGET, AwsService::Logs);
        let mut others = records::TARGETS.into_iter().chain([logs]);
        let other = others.find_map(|(prefix, service)| {
            let operation = target.strip_prefix(prefix)?;
            Some((service, operation))
        });
        let ecs = || target.strip_prefix(ecs::TARGET).unwrap_or_default();
        let (service, operation) = other.unwrap_or_else(|| (AwsService::Ecs, ecs()));
        return Some(ApiCall {
            service,
            operation: operation.to_owned(),
            query: Query::default(),
        });
    }
    let query = match *method {
        Method::POST => Query::parse(body),
        Method::GET => Query::parse(uri.query().unwrap_or_default().as_bytes()),
        _ => return None,
    };
    let operation = query.get("Action")?.to_owned();
    let has = |service: &AwsService| service.operations().contains(&operation.as_str());
    let mut queried = AwsService::ALL
        .into_iter()
        .filter(|service| service.is_query());
    let service = queried.find(has).unwrap_or(AwsService::Ec2);
    Some(ApiCall {
        service,
        operation,
        query,
    })
}

/// Answers one call.
pub(super) async fn answer(
    State(world): State<Arc<World>>,
    ConnectInfo(reset): ConnectInfo<ConnectionReset>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(call) = route(&method, &uri, &headers, &body) else {
        let text = "This is a stand-in for parts of AWS. It answers their calls at / and its own paths below /_local/.\n";
        return (StatusCode::NOT_FOUND, text).into_response();
    };
    let request_id = ids::uuid();
    let signed = SignedParts {
        method: &method,
        uri: &uri,
        headers: &headers,
        body: &body,
    };
    let region = auth::region(&world.keys.lock(), call.service, signed);
    let admitted = region.and_then(|region| {
        let faults = admit(&world, &call, &region)?;
        Ok((region, faults))
    });
    let (region, faults) = match admitted {
        Ok(admitted) => admitted,
        Err(error) => return refuse(&world, call.service, &error, &request_id, false),
    };
    if faults.reset_before {
        reset.after_this_request();
        return StatusCode::OK.into_response();
    }
    let result = match faults.refusal {
        Some(refusal) => Err(refusal),
        None => operate(&world, &call, &region, &body, &request_id),
    };
    world.runtime.pace().sleep(faults.delay).await;
    if faults.reset_after {
        reset.after_this_request();
        return StatusCode::OK.into_response();
    }
    match faults.lost.map_or(result, Err) {
        Ok(mut document) => {
            if faults.truncated {
                document = half(document);
            }
            let offset = world.resources.lock().clock_offset;
            reply::success(call.service, document, &request_id, offset)
        }
        Err(error) => refuse(
            &world,
            call.service,
            &error,
            &request_id,
            faults.bare_errors,
        ),
    }
}

/// Counts a call, applies the rate limits, and returns the faults of the call.
fn admit(world: &World, call: &ApiCall, region: &str) -> Result<CallFaults, ApiError> {
    let (service, operation) = (call.service, call.operation.as_str());
    if !service.operations().contains(&operation) {
        // The service itself refuses an unknown operation.
        return Ok(CallFaults::default());
    }
    world.statistics.lock().count_call(operation);
    if let Some(bucket) = Bucket::for_call(service, operation)
        && !world
            .throttle
            .lock()
            .take(bucket, 1, region, Instant::now())
    {
        return Err(ApiError::throttled(service));
    }
    let mut faults = world.faults.lock().call(service, operation);
    if let Some(denial) = world.resources.lock().denial(service, operation) {
        let denied = ApiError::access_denied(service, operation, denial);
        faults.refusal.get_or_insert(denied);
    }
    Ok(faults)
}

fn operate(
    world: &World,
    call: &ApiCall,
    region: &str,
    body: &[u8],
    request_id: &str,
) -> Result<String, ApiError> {
    let operation = call.operation.as_str();
    let resources = world.resources.lock().clone();
    match call.service {
        AwsService::Ecs => {
            let document = world.ecs.call(region, operation, body)?;
            Ok(match operation {
                "DescribeClusters" => resources.dress_clusters(document),
                _ => document,
            })
        }
        AwsService::Ec2 => {
            let network = world.networks.region(region);
            let mut network = network.lock();
            ec2::call(&mut network, &resources, operation, &call.query, request_id)
        }
        AwsService::Logs => logs::call(&world.logs, &resources, region, operation, body),
        AwsService::Sts => {
            let caller = &resources.caller_arn;
            sts::call(&world.keys, caller, operation, &call.query, request_id)
        }
        AwsService::Iam => iam::call(&resources, operation, &call.query, request_id),
        AwsService::CloudFormation => {
            cloudformation::call(&resources, operation, &call.query, request_id)
        }
        AwsService::CloudWatch => cloudwatch::call(&resources, operation, &call.query, request_id),
        AwsService::Ecr | AwsService::Quotas | AwsService::Secrets => {
            records::call(&resources, region, operation, body)
        }
    }
}

/// The first half of a document. Its length in the header is correct, so that clients notice only that it does not
/// parse.
fn half(document: String) -> String {
    let middle = document.len() / 2;
    let end = (0..=middle).rev().find(|at| document.is_char_boundary(*at));
    let mut document = document;
    document.truncate(end.unwrap_or_default());
    document
}

fn refuse(
    world: &World,
    service: AwsService,
    error: &ApiError,
    request_id: &str,
    bare: bool,
) -> Response {
    world.statistics.lock().count_error(error);
    reply::error(service, error, request_id, bare)
}
