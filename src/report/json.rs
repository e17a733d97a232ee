//! One JSON document, written as the results come: head, `files`, then the summary and what the exit status will be.

use std::io;
use std::io::Write;

use serde::Serialize;

use super::FileResult;
use super::ReportOptions;
use super::ReportWriter;
use super::Summary;
use super::escape;
use super::model::SCHEMA;

struct Json<'a> {
    out: Box<dyn Write + 'a>,
    options: ReportOptions,
    started: bool,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

pub(super) fn open<'a>(out: Box<dyn Write + 'a>, options: &ReportOptions) -> Box<dyn ReportWriter + 'a> {
    Box::new(Json { out, options: options.clone(), started: false })
}

impl Json<'_> {
    fn start(&mut self) -> io::Result<()> {
        let tool = Tool { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") };
        writeln!(self.out, "{{\n  \"schema\": {SCHEMA},")?;
        self.member("tool", &tool)?;
        let ReportOptions { command, registry, policy, decided_at, .. } = self.options.clone();
        self.member("command", &command)?;
        self.member("registry", &registry)?;
        if policy.is_some() {
            self.member("policy", &policy)?;
        }
        self.member("decided_at", &decided_at)?;
        write!(self.out, "  \"files\": [")
    }

    fn member(&mut self, name: &str, value: &impl Serialize) -> io::Result<()> {
        writeln!(self.out, "  \"{name}\": {},", indented(value)?)
    }
}

impl ReportWriter for Json<'_> {
    fn file(&mut self, result: &FileResult) -> io::Result<()> {
        if self.started {
            self.out.write_all(b",")?;
        } else {
            self.start()?;
            self.started = true;
        }
        write!(self.out, "\n    {}", indented(result)?.replace('\n', "\n  "))
    }

    fn finish(&mut self, summary: &Summary) -> io::Result<()> {
        if self.started {
            self.out.write_all(b"\n  ],\n")?;
        } else {
            self.start()?;
            self.out.write_all(b"],\n")?;
        }
        self.member("summary", summary)?;
        self.member("exit_code", &summary.exit_code())?;
        writeln!(self.out, "  \"exit_reason\": {}\n}}", indented(&summary.exit_reason())?)?;
        self.out.flush()
    }
}

/// The value as pretty JSON whose further lines are indented by two more blanks.
fn indented(value: &impl Serialize) -> io::Result<String> {
    let text = serde_json::to_string_pretty(value)?;
    Ok(escape::json(&text).replace('\n', "\n  "))
}
