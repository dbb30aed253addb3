//! Events of network names in words (directory fact sheet, section 8).

use accounts::computer::Event;

/// What happened to a network name.
pub(super) fn words(name: &str, event: u16, status: u32) -> String {
    let what = match event {
        1052 => "cannot be added to the system",
        1078 => "is not registered with the NetBIOS name server",
        1196 => "is not registered in DNS",
        1214 => "is another computer's NetBIOS name",
        1215 => "is no longer registered on its node",
        1256 => "is not registered in DNS: its zone takes no dynamic updates",
        1257 => "is not registered in DNS: its zone denies the update",
        1258 => "is not registered in DNS: the name server is not reached",
        1261 => "keeps its old records in DNS: they could not be changed",
        1262 => "has no pointer records: they could not be published",
        1589 => "resolves to addresses that are not its own",
        1636 => return format!("{name} has a new password in the domain"),
        1683 => "finds no domain controller",
        1684 | 1686 => "has no computer object any more",
        1685 | 1687 => "has a disabled computer object",
        _ => {
            let number = u32::from(event);
            return format!("{name}: {}", Event { number, status });
        }
    };
    match status {
        0 => format!("{name} {what}"),
        _ => format!("{name} {what} (status {status})"),
    }
}
