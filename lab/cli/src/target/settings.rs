//! The file that `looksalive target` takes instead of flags: the same settings in YAML.
//!
//! Paths in it are relative to the folder it lies in.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::ValueEnum;
use file::settings::{Placed, Setting, Settings};
use targetd::UnitOptions;

use super::{Format, Target, credentials, name};
use crate::output;

/// What the help says about the file.
pub(super) const HELP: &str = "\
The file has the same settings: listen (a list), iqn, state, luns, chap, mutual-chap, control, \
format. A unit is written as after --lun, `0: 1GiB,thin`, or as a mapping with size, block, \
physical, thin, removable, read-only, null and file. Paths are relative to the file's folder.";

const KEYS: [&str; 8] = [
    "listen",
    "iqn",
    "state",
    "luns",
    "chap",
    "mutual-chap",
    "control",
    "format",
];
const UNIT_KEYS: [&str; 8] = [
    "size",
    "block",
    "physical",
    "thin",
    "removable",
    "read-only",
    "null",
    "file",
];

/// Reads a file. What is wrong with it is returned ready to print.
pub(super) fn read(path: &Path) -> anyhow::Result<Result<Target, String>> {
    let mut settings =
        Settings::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let mut filed = Filed {
        folder,
        target: Target {
            file: None,
            listen: Vec::new(),
            iqn: None,
            state: None,
            units: Vec::new(),
            chap: None,
            mutual_chap: None,
            control: None,
            format: None,
        },
    };
    for setting in std::mem::take(&mut settings.settings) {
        filed.take(&setting, &mut settings);
    }
    Ok(match settings.finish(output::colour_on_error()) {
        Some(problems) => Err(problems),
        None => Ok(filed.target),
    })
}

struct Filed {
    folder: PathBuf,
    target: Target,
}

impl Filed {
    fn take(&mut self, setting: &Setting, settings: &mut Settings) {
        let path: Vec<&str> = setting.path.iter().map(String::as_str).collect();
        match path.as_slice() {
            ["listen"] => self.listen(setting, settings),
            ["luns", number] => self.unit(number, setting, settings),
            ["luns", number, word] => self.word(number, word, setting, settings),
            [key] => {
                if let Some(value) = single(setting, settings) {
                    let outcome = self.plain(key, &value.text);
                    match outcome {
                        Some(Ok(())) => {}
                        Some(Err(why)) => settings.refuse(value.span, why),
                        None => settings.unknown(setting, &KEYS),
                    }
                }
            }
            ["luns", ..] => settings.unknown(setting, &UNIT_KEYS),
            _ => settings.unknown(setting, &[]),
        }
    }

    fn listen(&mut self, setting: &Setting, settings: &mut Settings) {
        for value in &setting.values {
            match value.text.parse() {
                Ok(address) => self.target.listen.push(address),
                Err(_) => {
                    let why = format!("`{}` is not ADDRESS:PORT", value.text);
                    settings.refuse(value.span, why);
                }
            }
        }
    }

    /// A setting with one value; nothing where there is no such key.
    fn plain(&mut self, key: &str, text: &str) -> Option<Result<(), String>> {
        let target = &mut self.target;
        let outcome = match key {
            "iqn" => name(text).map(|name| target.iqn = Some(name)),
            "state" => {
                target.state = Some(self.folder.join(text));
                Ok(())
            }
            "control" => {
                target.control = Some(self.folder.join(text));
                Ok(())
            }
            "chap" => credentials(text).map(|it| target.chap = Some(it)),
            "mutual-chap" => credentials(text).map(|it| target.mutual_chap = Some(it)),
            "format" => match Format::from_str(text, false) {
                Ok(format) => {
                    target.format = Some(format);
                    Ok(())
                }
                Err(_) => Err("write text or json".to_owned()),
            },
            _ => return None,
        };
        Some(outcome)
    }

    /// A unit as it is written after `--lun`.
    fn unit(&mut self, number: &str, setting: &Setting, settings: &mut Settings) {
        let Some(value) = single(setting, settings) else {
            return;
        };
        match format!("{number}={}", value.text).parse::<UnitOptions>() {
            Ok(mut unit) => {
                unit.file = unit.file.map(|file| self.folder.join(file));
                self.target.units.push(unit);
            }
            Err(why) => settings.refuse(value.span, why.to_string()),
        }
    }

    /// One setting of a unit that is written as a mapping.
    fn word(&mut self, number: &str, word: &str, setting: &Setting, settings: &mut Settings) {
        let unit = match UnitOptions::numbered(number) {
            Ok(unit) => unit,
            Err(why) => return settings.refuse(setting.span, why.to_string()),
        };
        let units = &mut self.target.units;
        let known = units.iter().position(|one| one.lun == unit.lun);
        let at = known.unwrap_or_else(|| {
            units.push(unit);
            units.len() - 1
        });
        if !UNIT_KEYS.contains(&word) {
            return settings.unknown(setting, &UNIT_KEYS);
        }
        if let Some(value) = single(setting, settings)
            && let Err(why) = set(&mut units[at], word, &value.text, &self.folder)
        {
            settings.refuse(value.span, why);
        }
    }
}

fn set(unit: &mut UnitOptions, word: &str, text: &str, folder: &Path) -> Result<(), String> {
    let outcome = match (word, text) {
        ("size", size) => unit.resize(size),
        ("file", path) => {
            unit.file = Some(folder.join(path));
            Ok(())
        }
        ("block" | "physical", number) => unit.set(&format!("{word}={number}")),
        (word, "true") => unit.set(word),
        (_, "false") => Ok(()),
        (word, other) => return Err(format!("{word} is true or false, not `{other}`")),
    };
    outcome.map_err(|why| why.to_string())
}

/// The one value of a setting that takes no list.
fn single(setting: &Setting, settings: &mut Settings) -> Option<Placed> {
    match setting.values.as_slice() {
        [value] => Some(value.clone()),
        _ => {
            settings.refuse(setting.span, "this takes one value, not a list");
            None
        }
    }
}
