//! The size of the job's task: the operator's, changed by the job's variables within their limits, and rounded up to a
//! size that Fargate has.

use super::permission::{CHOOSE_ALLOWED, limited};
use crate::aws::TaskOverrides;
use crate::config::{Cpu, JobVariables, Memory, STORAGE_INCLUDED, STORAGE_LIMIT, Storage};
use crate::error::{Error, Result};
use crate::gitlab::JobOverrides;
use crate::task::definition::smallest_pair;

/// Sizes of a task that is composed for its job.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    /// Size of jobs that ask for nothing else, as in the task definition.
    pub(crate) usual: (Cpu, Memory),
}

impl Sizes {
    /// The sizes, and the overrides of the job's task, where `usual` is the operator's size.
    ///
    /// Without `usual` the size of the operator's task definition is unknown, and only the job's own values override.
    ///
    /// # Errors
    ///
    /// [`crate::error::Blame::Job`] when the job asks for more than it may have, or than there is.
    pub(crate) fn new(
        asked: &JobOverrides,
        allowed: &JobVariables,
        usual: Option<(Cpu, Memory)>,
        notes: &mut Vec<String>,
    ) -> Result<(Option<Self>, TaskOverrides)> {
        let cpu = limited(
            "FARGATE_CPU",
            asked.cpu.as_ref(),
            ("MaxCPU", allowed.max_cpu),
            notes,
        )?;
        let limit = ("MaxMemory", allowed.max_memory);
        let memory = limited("FARGATE_MEMORY", asked.memory.as_ref(), limit, notes)?;
        let limit = ("MaxEphemeralStorage", allowed.max_storage);
        let storage = limited(
            "FARGATE_EPHEMERAL_STORAGE",
            asked.storage.as_ref(),
            limit,
            notes,
        )?;
        check_storage(storage)?;
        let mut changes = TaskOverrides {
            storage,
            ..TaskOverrides::default()
        };
        let sizes = usual.map(Self::of_operator).transpose()?;
        let requested = match usual {
            Some((usual_cpu, usual_memory)) => {
                Some((cpu.unwrap_or(usual_cpu), memory.unwrap_or(usual_memory)))
            }
            None => cpu.zip(memory),
        };
        let Some(requested) = requested else {
            // One of the two, beside what the operator's definition says of the other.
            (changes.cpu, changes.memory) = (cpu, memory);
            return Ok((sizes, changes));
        };
        let pair = round_up(requested, notes)?;
        if cpu.is_some() || memory.is_some() {
            let usual = sizes.map(|sizes| sizes.usual);
            check_limits(pair, (cpu, memory), allowed, usual)?;
            if usual != Some(pair) {
                (changes.cpu, changes.memory) = (Some(pair.0), Some(pair.1));
            }
        }
        Ok((sizes, changes))
    }

    /// The operator's sizes, rounded up.
    fn of_operator((cpu, memory): (Cpu, Memory)) -> Result<Self> {
        let usual = smallest_pair(cpu, memory).ok_or_else(|| {
            Error::system(format!(
                "[JobImage] CPU and Memory are {cpu} and {memory}, and Fargate has no task that large"
            ))
            .advise("Correct them; the largest has 32 vCPU and 244 GB.")
        })?;
        Ok(Self { usual })
    }
}

/// Refuses storage that ECS does not take: a task cannot have less than every task has.
fn check_storage(storage: Option<Storage>) -> Result<()> {
    match storage.filter(|storage| storage.0 <= STORAGE_INCLUDED) {
        None => Ok(()),
        Some(storage) => Err(Error::job(format!(
            "the job's variable FARGATE_EPHEMERAL_STORAGE is {storage}, but ECS takes {} to {STORAGE_LIMIT} GiB for a task",
            STORAGE_INCLUDED + 1
        ))
        .advise(format!(
            "Leave it out in the .gitlab-ci.yml: every task has {STORAGE_INCLUDED} GiB or more."
        ))),
    }
}

/// Rounds the job's size up to a size that Fargate has, and notes the change.
fn round_up((cpu, memory): (Cpu, Memory), notes: &mut Vec<String>) -> Result<(Cpu, Memory)> {
    let pair = smallest_pair(cpu, memory).ok_or_else(|| {
        Error::job(format!(
            "the job asks for {cpu} and {memory}, and Fargate has no task that large"
        ))
        .advise("Correct FARGATE_CPU and FARGATE_MEMORY in the .gitlab-ci.yml; the largest has 32 vCPU and 244 GB.")
    })?;
    if pair != (cpu, memory) {
        notes.push(format!(
            "Fargate has no task with {cpu} and {memory}: it gets {} and {}",
            pair.0, pair.1
        ));
    }
    Ok(pair)
}

/// Refuses a size that rounding took over a limit. The operator's own size is never over it.
fn check_limits(
    pair: (Cpu, Memory),
    (cpu, memory): (Option<Cpu>, Option<Memory>),
    allowed: &JobVariables,
    usual: Option<(Cpu, Memory)>,
) -> Result<()> {
    let cpu_limit = allowed
        .max_cpu
        .filter(|most| pair.0 > *most && usual.is_none_or(|usual| pair.0 > usual.0))
        .map(|most| (pair.0.to_string(), most.to_string()));
    let memory_limit = allowed
        .max_memory
        .filter(|most| pair.1 > *most && usual.is_none_or(|usual| pair.1 > usual.1))
        .map(|most| (pair.1.to_string(), most.to_string()));
    let Some((needed, most)) = cpu_limit.or(memory_limit) else {
        return Ok(());
    };
    let asked = match (cpu, memory) {
        (Some(cpu), Some(memory)) => format!("FARGATE_CPU {cpu} and FARGATE_MEMORY {memory} need"),
        (Some(cpu), None) => format!("FARGATE_CPU {cpu} needs"),
        (None, Some(memory)) => format!("FARGATE_MEMORY {memory} needs"),
        (None, None) => return Ok(()),
    };
    Err(Error::job(format!(
        "{asked} a task with {needed}, and this runner allows at most {most}"
    ))
    .advise(CHOOSE_ALLOWED))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed() -> JobVariables {
        JobVariables {
            task_definitions: None,
            platform_versions: None,
            max_cpu: Some(Cpu(4096)),
            max_memory: Some(Memory(16 * 1024)),
            max_storage: Some(Storage(100)),
            task_roles: None,
            capacity_providers: None,
            architectures: None,
        }
    }

    fn sizes(
        cpu: &str,
        memory: &str,
        allowed: &JobVariables,
        usual: Option<(u32, u32)>,
    ) -> Result<(TaskOverrides, Vec<String>)> {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let asked = JobOverrides {
            cpu: text(cpu),
            memory: text(memory),
            ..JobOverrides::default()
        };
        let mut notes = Vec::new();
        let usual = usual.map(|(cpu, memory)| (Cpu(cpu), Memory(memory)));
        let (_, changes) = Sizes::new(&asked, allowed, usual, &mut notes)?;
        Ok((changes, notes))
    }

    fn size(cpu: u32, memory: u32) -> TaskOverrides {
        TaskOverrides {
            cpu: Some(Cpu(cpu)),
            memory: Some(Memory(memory)),
            ..TaskOverrides::default()
        }
    }

    #[test]
    fn a_jobs_size_is_rounded_up_and_said() {
        let usual = Some((1024, 2048));
        assert_eq!(
            sizes("", "", &allowed(), usual).unwrap(),
            (TaskOverrides::default(), vec![])
        );
        let (changes, notes) = sizes("2 vCPU", "", &allowed(), usual).unwrap();
        assert_eq!(changes, size(2048, 4096));
        assert_eq!(
            notes,
            [
                "FARGATE_CPU: 2 vCPU",
                "Fargate has no task with 2 vCPU and 2 GB: it gets 2 vCPU and 4 GB"
            ]
        );
        // What comes to the usual size needs no change.
        assert_eq!(
            sizes("1 vCPU", "2 GB", &allowed(), usual).unwrap().0,
            TaskOverrides::default()
        );
        let (_, notes) = sizes("", "", &allowed(), Some((1024, 1024))).unwrap();
        assert_eq!(
            notes,
            ["Fargate has no task with 1 vCPU and 1 GB: it gets 1 vCPU and 2 GB"]
        );
    }

    #[test]
    fn limits_hold_for_what_it_comes_to() {
        let usual = Some((1024, 2048));
        let message = |cpu, memory, allowed: &JobVariables| {
            sizes(cpu, memory, allowed, usual).unwrap_err().to_string()
        };
        assert_eq!(
            message("8 vCPU", "", &allowed()),
            "the job's variable FARGATE_CPU is \"8 vCPU\", and this runner allows at most 4 vCPU"
        );
        let tight = JobVariables {
            max_cpu: Some(Cpu(1024)),
            ..allowed()
        };
        assert_eq!(
            message("", "16 GB", &tight),
            "FARGATE_MEMORY 16 GB needs a task with 2 vCPU, and this runner allows at most 1 vCPU"
        );
        let low = JobVariables {
            max_cpu: Some(Cpu(3072)),
            max_memory: Some(Memory(7 * 1024)),
            ..allowed()
        };
        assert_eq!(
            message("3 vCPU", "1 GB", &low),
            "FARGATE_CPU 3 vCPU and FARGATE_MEMORY 1 GB need a task with 4 vCPU, and this runner allows at most 3 vCPU"
        );
        let low = JobVariables {
            max_cpu: Some(Cpu(4096)),
            ..low
        };
        assert_eq!(
            message("4 vCPU", "", &low),
            "FARGATE_CPU 4 vCPU needs a task with 8 GB, and this runner allows at most 7 GB"
        );
        assert!(message("2", "", &allowed()).contains("\"2\", but must be a CPU size"));
        let huge = JobVariables {
            max_memory: Some(Memory(u32::MAX)),
            ..allowed()
        };
        assert!(message("", "300 GB", &huge).contains("no task that large"));
        // The operator's own size is above the limit: that is no fault of the job.
        let small = JobVariables {
            max_cpu: Some(Cpu(256)),
            ..allowed()
        };
        assert_eq!(
            sizes("", "4 GB", &small, usual).unwrap().0,
            size(1024, 4096)
        );
    }

    #[test]
    fn without_a_limit_the_variable_is_ignored() {
        let closed = JobVariables {
            max_cpu: None,
            max_memory: None,
            ..allowed()
        };
        let (changes, notes) = sizes("64 vCPU", "", &closed, Some((1024, 2048))).unwrap();
        assert_eq!(changes, TaskOverrides::default());
        assert_eq!(
            notes,
            ["FARGATE_CPU is ignored: jobs may not set it on this runner ([JobVariables] MaxCPU)"]
        );
    }

    #[test]
    fn an_operators_definition_is_changed_only_where_asked() {
        assert_eq!(
            sizes("2 vCPU", "", &allowed(), None).unwrap().0,
            TaskOverrides {
                cpu: Some(Cpu(2048)),
                ..TaskOverrides::default()
            }
        );
        assert_eq!(
            sizes("2 vCPU", "1 GB", &allowed(), None).unwrap().0,
            size(2048, 4096)
        );
    }
}
