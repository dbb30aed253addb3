//! The cluster service's end of the agent: it says what it would say to the fabric.

use std::sync::Arc;

use runtime::fabric::{FromFabric, ToFabric};
use runtime::stream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;

use crate::agent::Machine;

/// Serves one life of the cluster service after the other.
pub(crate) async fn serve(machine: Arc<Machine>, listener: UnixListener) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(live(Arc::clone(&machine), stream));
    }
}

async fn live(machine: Arc<Machine>, stream: UnixStream) {
    let (mut reader, writer) = stream.into_split();
    let hello = stream::read(&mut reader).await;
    if matches!(hello, Ok(Some(ToFabric::Hello { .. }))) {
        let heard = machine.attach();
        let telling = tokio::spawn(tell(writer, heard));
        carry_out(&machine, reader).await;
        telling.abort();
    }
}

async fn tell(mut writer: OwnedWriteHalf, mut heard: mpsc::Receiver<FromFabric>) {
    while let Some(message) = heard.recv().await {
        if stream::write(&mut writer, &message).await.is_err() {
            return;
        }
    }
}

async fn carry_out(machine: &Machine, mut reader: OwnedReadHalf) {
    while let Ok(Some(message)) = stream::read(&mut reader).await {
        match message {
            ToFabric::Send { network, to, bytes } => {
                machine.datagrams.send(&machine.options, network, to, bytes);
            }
            ToFabric::Packet(packet) => machine.receive_packet(&packet),
            ToFabric::Adapter(addresses) => {
                if let Err(error) = machine.set_virtual_adapter(addresses).await {
                    eprintln!("the virtual adapter cannot have its addresses: {error}");
                }
            }
            ToFabric::Share { .. } => machine.ask_fabric(message).await,
            // Nothing that a cluster service says.
            ToFabric::Hello { .. } | ToFabric::Machine { .. } | ToFabric::Ethernet { .. } => {
                return;
            }
        }
    }
}
