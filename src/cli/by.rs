//! Who does what a command does.

use clap::Args;

use crate::domain::audit::Doer;
use crate::services::audit::ITSELF;

/// Who does it.
#[derive(Debug, Clone, Args)]
pub(super) struct By {
    /// Who does it, for the audit log: a net ID, or another name
    #[arg(long, value_name = "NAME", default_value = ITSELF)]
    by: String,
}

impl By {
    /// Them, as the audit log knows them.
    pub(super) fn doer(&self) -> Doer {
        let command = Doer::command();
        if self.by == ITSELF { command } else { command.named(&self.by) }
    }
}
