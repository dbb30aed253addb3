//! The witness disk: one holder, everybody else fenced.

use std::collections::BTreeMap;

use base::NodeId;
use bottom::clusdisk::{PAGE_BYTES, Report, Request};

/// The medium and who may use it.
#[derive(Clone, Debug, Default)]
pub(crate) struct WitnessDisk {
    pages: BTreeMap<u64, Vec<u8>>,
    pub(crate) holder: Option<NodeId>,
    /// Planted fault: writes are acknowledged and not kept.
    forgets: bool,
}

impl WitnessDisk {
    pub(crate) fn new(forgets: bool) -> Self {
        Self {
            forgets,
            ..Self::default()
        }
    }

    /// Performs a request of `node`.
    pub(crate) fn perform(&mut self, node: NodeId, request: Request) -> Report {
        let ours = self.holder == Some(node);
        let page_bytes = PAGE_BYTES as usize;
        match request {
            Request::Read { page, pages } => {
                let range = page..page + u64::from(pages);
                let data = range
                    .flat_map(|page| {
                        self.pages
                            .get(&page)
                            .cloned()
                            .unwrap_or_else(|| vec![0; page_bytes])
                    })
                    .collect();
                Report::Read {
                    data: ours.then_some(data),
                }
            }
            Request::Write { page, data } => {
                if ours && !self.forgets {
                    let chunks = data.chunks(page_bytes).map(<[u8]>::to_vec);
                    self.pages.extend((page..).zip(chunks));
                }
                Report::Written { ok: ours }
            }
            other => panic!("the database asked for {other:?}"),
        }
    }
}
