//! The few messages of Perfetto's trace format that a timeline needs, with the numbers of their fields. Names are ours
//! where theirs are abbreviations: a reader sees numbers only.

use prost::Message;

/// Of a `Trace` there is one field: its packets.
const PACKET: u32 = 1;

/// `TracePacket`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Packet {
    /// `timestamp`.
    #[prost(uint64, optional, tag = "8")]
    pub(super) at_ns: Option<u64>,
    /// `trusted_packet_sequence_id`.
    #[prost(uint32, optional, tag = "10")]
    pub(super) sequence: Option<u32>,
    /// `track_event`.
    #[prost(message, optional, tag = "11")]
    pub(super) event: Option<TrackEvent>,
    /// `interned_data`.
    #[prost(message, optional, tag = "12")]
    pub(super) interned: Option<InternedData>,
    /// `sequence_flags`.
    #[prost(uint32, optional, tag = "13")]
    pub(super) sequence_flags: Option<u32>,
    /// `track_descriptor`.
    #[prost(message, optional, tag = "60")]
    pub(super) track: Option<TrackDescriptor>,
}

/// `TrackEvent`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct TrackEvent {
    /// `category_iids`.
    #[prost(uint64, repeated, packed = "false", tag = "3")]
    pub(super) category_numbers: Vec<u64>,
    /// `debug_annotations`.
    #[prost(message, repeated, tag = "4")]
    pub(super) annotations: Vec<DebugAnnotation>,
    /// `type`.
    #[prost(int32, optional, tag = "9")]
    pub(super) kind: Option<i32>,
    /// `name_iid`.
    #[prost(uint64, optional, tag = "10")]
    pub(super) name_number: Option<u64>,
    /// `track_uuid`.
    #[prost(uint64, optional, tag = "11")]
    pub(super) track: Option<u64>,
    /// `name`.
    #[prost(string, optional, tag = "23")]
    pub(super) name: Option<String>,
    /// `counter_value`.
    #[prost(int64, optional, tag = "30")]
    pub(super) counted: Option<i64>,
    /// `flow_ids`.
    #[prost(fixed64, repeated, packed = "false", tag = "47")]
    pub(super) flows: Vec<u64>,
    /// `terminating_flow_ids`.
    #[prost(fixed64, repeated, packed = "false", tag = "48")]
    pub(super) ends: Vec<u64>,
}

/// `DebugAnnotation`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct DebugAnnotation {
    /// `bool_value`.
    #[prost(bool, optional, tag = "2")]
    pub(super) flag: Option<bool>,
    /// `uint_value`.
    #[prost(uint64, optional, tag = "3")]
    pub(super) unsigned: Option<u64>,
    /// `int_value`.
    #[prost(int64, optional, tag = "4")]
    pub(super) signed: Option<i64>,
    /// `double_value`.
    #[prost(double, optional, tag = "5")]
    pub(super) number: Option<f64>,
    /// `string_value`.
    #[prost(string, optional, tag = "6")]
    pub(super) text: Option<String>,
    /// `name`.
    #[prost(string, optional, tag = "10")]
    pub(super) name: Option<String>,
}

/// `InternedData`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct InternedData {
    /// `event_categories`.
    #[prost(message, repeated, tag = "1")]
    pub(super) categories: Vec<Interned>,
    /// `event_names`.
    #[prost(message, repeated, tag = "2")]
    pub(super) names: Vec<Interned>,
}

/// `EventCategory` or `EventName`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Interned {
    /// `iid`.
    #[prost(uint64, optional, tag = "1")]
    pub(super) number: Option<u64>,
    /// `name`.
    #[prost(string, optional, tag = "2")]
    pub(super) name: Option<String>,
}

/// `TrackDescriptor`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct TrackDescriptor {
    /// `uuid`.
    #[prost(uint64, optional, tag = "1")]
    pub(super) number: Option<u64>,
    /// `name`.
    #[prost(string, optional, tag = "2")]
    pub(super) name: Option<String>,
    /// `process`.
    #[prost(message, optional, tag = "3")]
    pub(super) process: Option<ProcessDescriptor>,
    /// `parent_uuid`.
    #[prost(uint64, optional, tag = "5")]
    pub(super) parent: Option<u64>,
    /// `counter`: there where the track shows numbers.
    #[prost(message, optional, tag = "8")]
    pub(super) counter: Option<CounterDescriptor>,
    /// `child_ordering`.
    #[prost(int32, optional, tag = "11")]
    pub(super) ordering: Option<i32>,
    /// `sibling_order_rank`.
    #[prost(int32, optional, tag = "12")]
    pub(super) rank: Option<i32>,
}

/// `CounterDescriptor`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct CounterDescriptor {
    /// `unit_name`.
    #[prost(string, optional, tag = "6")]
    pub(super) unit: Option<String>,
}

/// `ProcessDescriptor`: the viewer shows a peer as it shows a process.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ProcessDescriptor {
    /// `pid`.
    #[prost(int32, optional, tag = "1")]
    pub(super) number: Option<i32>,
    /// `process_name`.
    #[prost(string, optional, tag = "6")]
    pub(super) name: Option<String>,
}

/// A packet as a field of the trace that it is part of.
pub(super) fn framed(packet: &Packet) -> Vec<u8> {
    let mut bytes = Vec::new();
    prost::encoding::message::encode(PACKET, packet, &mut bytes);
    bytes
}
