//! Ids, time, bounded queues and the manager trait: what every tier shares.
