//! Properties of reading what the runner hands over.

use proptest::prelude::*;
use serde_json::json;

use super::environment::read;
use super::job::JobResponse;
use super::payload::JobPayload;
use crate::error::Blame;
use testing::mutation;

proptest! {
        #[test]
        fn a_response_that_cannot_be_read_is_not_shown(
            text in mutation::json_text(json!({ "id": 7, "token": "job-token-0123456789", "job_info": { "name": "unit tests", "project_id": 3,
                "project_name": "shop", "project_full_path": "acme/shop", "pipeline_id": 4 },
                "variables": [{ "key": "TOKEN", "value": "glpat-00000000000000000000", "masked": true }] })),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("response.json");
            std::fs::write(&file, &text).unwrap();
            for error in [read::<JobResponse>(&file).err(), read::<JobPayload>(&file).err()].into_iter().flatten() {
                prop_assert_eq!(error.blame(), Blame::System);
                prop_assert!(error.to_string().contains("line "), "{}", error);
                for secret in ["glpat-0000", "job-token"] {
                    prop_assert!(!error.to_string().contains(secret), "{}", error);
                }
            }
        }
}
