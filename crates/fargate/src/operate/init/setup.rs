//! The set-up that files are made of: what the options, a stack and a person said, checked.

use std::path::Path;

use super::answers::Answers;
use super::fargate_toml;
use super::interview;
use super::places::Places;
use super::stack::Stack;
use super::terminal::Terminal;
use super::token::Token;
use crate::aws::{Aws, AwsError, instance, region_of_environment};
use crate::cli::Init;
use crate::config::Config;
use crate::error::{Blame, Error, Result};
use crate::operate::doctor::Host;
use crate::output::progress;
use crate::signals::Shutdown;

/// The helper's version where this machine has no GitLab Runner to ask.
const RUNNER_VERSION: &str = "19.4.0";

/// A set-up that is whole but for the runner's token.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) config: Config,
    /// The text of `fargate.toml`; nothing where it is kept as it is.
    pub(super) text: Option<String>,
    /// The address of GitLab.
    pub(super) url: String,
    pub(super) token: Option<Token>,
    /// Whether a stack made roles and policies.
    pub(super) is_of_stack: bool,
    /// A step that did not work, and is left to a person.
    pub(super) remarks: Vec<String>,
}

/// What a stack gives, and what it does not.
#[derive(Debug, Default)]
struct Given {
    answers: Answers,
    token: Option<Token>,
    remarks: Vec<String>,
}

impl Setup {
    /// Finds everything, asking in a terminal for what is missing.
    ///
    /// # Errors
    ///
    /// Without a terminal, with all options that are missing; when answers do not make a configuration; when the stack
    /// or the token cannot be read.
    pub(super) async fn find(
        request: &Init,
        places: &Places,
        host: Host,
        shutdown: &Shutdown,
    ) -> Result<Self> {
        let options = Answers::of_options(request);
        let is_asked_for = options != Answers::default() || request.stack.is_some();
        let is_kept = places.fargate_toml.exists() && !request.force && !is_asked_for;
        let mut terminal = Terminal::open(shutdown);
        let given = match is_kept {
            true => Given::default(),
            false => shutdown.or(given(request, options, &host)).await?,
        };
        let Given {
            mut answers,
            token,
            remarks,
        } = given;
        let mut missing = if is_kept {
            Vec::new()
        } else {
            answers.missing()
        };
        refuse_idle(request, &answers)?;
        if request.url.is_none() && !places.is_called {
            missing.push("--url");
        }
        if !missing.is_empty() && terminal.is_none() {
            return Err(Error::new(
                Blame::Usage,
                format!("these options are missing: {}", missing.join(", ")),
            )
            .advise("Give them, or run fargate init in a terminal, which asks for them."));
        }
        let url = match (&request.url, &mut terminal) {
            (None, Some(terminal)) if !places.is_called => {
                of_registry(terminal, &mut answers).await?
            }
            (url, _) => url.clone(),
        };
        let (text, config) = if is_kept {
            (None, Config::load(&places.fargate_toml)?)
        } else {
            if let (Some(terminal), false) = (&mut terminal, answers.missing().is_empty()) {
                answers = interview::ask(terminal, answers, host, &request.metadata_dir).await?;
                refuse_idle(request, &answers)?;
            }
            let text = fargate_toml::text(&answers, &request.metadata_dir);
            let folder = places.fargate_toml.parent().unwrap_or(Path::new("/"));
            let config = Config::parse(&text, folder).map_err(|error| {
                let message = format!("these answers do not make a configuration: {error}");
                Error::new(Blame::Usage, message)
                    .advise("docs/configuration.md describes each key.")
            })?;
            (Some(text), config)
        };
        let token = match &request.token_file {
            Some(file) => Some(Token::read(file)?),
            None => token,
        };
        let mut setup = Self {
            config,
            text,
            url: url.unwrap_or_default(),
            token,
            is_of_stack: request.stack.is_some(),
            remarks,
        };
        if let (Some(terminal), false) = (&mut terminal, places.is_called) {
            setup.ask_for_runner(terminal).await?;
        }
        Ok(setup)
    }

    /// Asks for GitLab's address and the runner's token, where they are missing.
    async fn ask_for_runner(&mut self, terminal: &mut Terminal<'_>) -> Result<()> {
        if !self.url.is_empty() && self.token.is_some() {
            return Ok(());
        }
        terminal.step("GitLab")?;
        if self.url.is_empty() {
            self.url = ask_for_url(terminal).await?;
        }
        while self.token.is_none() {
            let question =
                "The runner's token (glrt-…, not shown), the file with it, or Enter for later";
            let answer = terminal.hidden(question).await?;
            if answer.is_empty() {
                break;
            }
            let file = Path::new(&answer);
            let token = match file.is_file() {
                true => Token::read(file),
                false => Token::parse(&answer, "your answer"),
            };
            match token {
                Ok(token) => self.token = Some(token),
                Err(error) => terminal.say(&format!("  {error}\n"))?,
            }
        }
        Ok(())
    }
}

/// Refuses options that would change nothing.
fn refuse_idle(request: &Init, answers: &Answers) -> Result<()> {
    let images = &request.images;
    let given = [
        ("--agent-image", &images.agent_image),
        ("--helper-image", &images.helper_image),
        ("--default-image", &images.default_image),
        ("--execution-role", &images.execution_role),
        ("--task-role", &images.task_role),
        ("--log-group", &images.log_group),
        ("--registry", &images.registry),
        ("--registry-secret", &images.registry_secret),
    ];
    let given = given.iter().filter(|(_, value)| value.is_some());
    let given: Vec<_> = given.map(|(option, _)| *option).collect();
    if images.registry.is_some() && answers.images.registry_secret.is_none() {
        let message = "--registry has no effect without a login to it";
        return Err(Error::new(Blame::Usage, message).advise("Give --registry-secret, too."));
    }
    if !answers.is_of_definition() || given.is_empty() {
        return Ok(());
    }
    let given = given.join(", ");
    let message = format!("these options have no effect with a task definition: {given}");
    Err(Error::new(Blame::Usage, message).advise(
        "Leave them out: a task definition has its own images, roles and logins. Or let jobs bring their images, with \
         --job-image.",
    ))
}

/// Asks for the address of GitLab where it may be that of the registry, too.
async fn of_registry(terminal: &mut Terminal<'_>, answers: &mut Answers) -> Result<Option<String>> {
    if !answers.lacks_registry() || answers.is_of_definition() {
        return Ok(None);
    }
    terminal.step("GitLab")?;
    let url = ask_for_url(terminal).await?;
    answers.images.registry = registry_of(&url);
    Ok(Some(url))
}

async fn ask_for_url(terminal: &Terminal<'_>) -> Result<String> {
    terminal
        .text("The address of GitLab", Some("https://gitlab.com"))
        .await
}

/// The host of the registry of this GitLab, where that is sure.
fn registry_of(url: &str) -> Option<String> {
    let is_gitlab_com = url.trim_end_matches('/') == "https://gitlab.com";
    is_gitlab_com.then(|| "registry.gitlab.com".to_owned())
}

/// The options' answers, the stack's, and those that follow from them.
async fn given(request: &Init, options: Answers, host: &Host) -> Result<Given> {
    progress("Asking AWS", found(request, options, host)).await
}

async fn found(request: &Init, options: Answers, host: &Host) -> Result<Given> {
    let mut given = Given {
        answers: options,
        ..Given::default()
    };
    let mut usual = Answers {
        region: region_of_environment(),
        ..Answers::default()
    };
    if given.answers.region.is_none() && usual.region.is_none() {
        usual.region = instance().await.map(|machine| machine.region);
    }
    usual.region = usual.region.filter(|region| !region.is_empty());
    if let Some(name) = &request.stack {
        let region = given
            .answers
            .region
            .clone()
            .or_else(|| usual.region.clone());
        let region = region.ok_or_else(|| {
            Error::new(Blame::Usage, "the Region of the stack is not known")
                .advise("Give --region, or set AWS_REGION.")
        })?;
        let aws = Aws::connect(&region, None).await;
        let outputs = aws
            .stack_outputs(name)
            .await
            .map_err(|refusal| of_stack(name, &refusal))?;
        if outputs.is_empty() {
            return Err(Error::new(Blame::Usage, format!("the stack {name} has no outputs")).advise(
                "Name a stack of docs/stack.md, or one whose outputs docs/init.md lists, or give the options themselves.",
            ));
        }
        let stack = Stack::of(&outputs);
        if let (Some(secret), None) = (&stack.token_secret, &request.token_file) {
            match aws.secret_text(secret).await {
                Ok(text) => given.token = Some(Token::parse(&text, secret)?),
                Err(refusal) => given
                    .remarks
                    .push(format!("The runner's token stays unknown: {refusal}")),
            }
        }
        given.answers = given.answers.or(stack.answers);
    }
    let version = host
        .runner_version()
        .filter(|version| version.starts_with(|first: char| first.is_ascii_digit()));
    let version = version.unwrap_or(RUNNER_VERSION);
    usual.images.helper = Some(format!(
        "registry.gitlab.com/gitlab-org/gitlab-runner/gitlab-runner-helper:x86_64-v{version}"
    ));
    usual.images.registry = request.url.as_deref().and_then(registry_of);
    given.answers = given.answers.or(usual);
    Ok(given)
}

fn of_stack(name: &str, refusal: &AwsError) -> Error {
    let error = Error::system(format!("could not read the stack {name}: {refusal}"));
    match refusal.advice() {
        Some(advice) => error.advise(advice),
        None => error.advise("Check --stack and --region; docs/iam/init.json has the permission."),
    }
}
