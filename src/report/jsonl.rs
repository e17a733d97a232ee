//! JSON lines: one object a file, written out at once, nothing else.

use std::io;
use std::io::Write;

use super::FileResult;
use super::ReportOptions;
use super::ReportWriter;
use super::Summary;
use super::escape;

struct JsonLines<'a> {
    out: Box<dyn Write + 'a>,
}

pub(super) fn open<'a>(out: Box<dyn Write + 'a>, _options: &ReportOptions) -> Box<dyn ReportWriter + 'a> {
    Box::new(JsonLines { out })
}

impl ReportWriter for JsonLines<'_> {
    fn file(&mut self, result: &FileResult) -> io::Result<()> {
        let text = serde_json::to_string(result)?;
        self.out.write_all(escape::json(&text).as_bytes())?;
        self.out.write_all(b"\n")?;
        // Whoever reads the other end of a pipe works on each line as it comes.
        self.out.flush()
    }

    fn finish(&mut self, _summary: &Summary) -> io::Result<()> {
        self.out.flush()
    }
}
