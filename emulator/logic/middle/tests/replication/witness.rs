//! The witness disk: one holder, everybody else fenced.

use std::collections::BTreeMap;

use base::NodeId;
use bottom::clusdisk::{BLOCK_BYTES, Report, Request};

/// The medium and who may use it.
#[derive(Clone, Debug, Default)]
pub(crate) struct WitnessDisk {
    blocks: BTreeMap<u64, Vec<u8>>,
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
        let block = BLOCK_BYTES as usize;
        match request {
            Request::Read { lba, blocks } => {
                let range = lba..lba + u64::from(blocks);
                let data = range
                    .flat_map(|lba| {
                        self.blocks
                            .get(&lba)
                            .cloned()
                            .unwrap_or_else(|| vec![0; block])
                    })
                    .collect();
                Report::Read {
                    data: ours.then_some(data),
                }
            }
            Request::Write { lba, data } => {
                if ours && !self.forgets {
                    let chunks = data.chunks(block).map(<[u8]>::to_vec);
                    self.blocks.extend((lba..).zip(chunks));
                }
                Report::Written { ok: ours }
            }
            other => panic!("the database asked for {other:?}"),
        }
    }
}
