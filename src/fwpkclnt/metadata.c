/* What accompanies the fields: which of it there is at which layer. */
#include "fwpkclnt/runtime.h"

#define PROCESS  (FWPS_METADATA_FIELD_PROCESS_PATH | FWPS_METADATA_FIELD_PROCESS_ID)
#define PENDABLE FWPS_METADATA_FIELD_COMPLETION_HANDLE
#define ENDPOINT FWPS_METADATA_FIELD_TRANSPORT_ENDPOINT_HANDLE
#define FLOW     FWPS_METADATA_FIELD_FLOW_HANDLE
#define PLACE    FWPS_METADATA_FIELD_COMPARTMENT_ID
#define PACKET                                                                                     \
    (FWPS_METADATA_FIELD_PACKET_DIRECTION | FWPS_METADATA_FIELD_IP_HEADER_SIZE |                   \
     FWPS_METADATA_FIELD_TRANSPORT_HEADER_SIZE)

static const UINT32 present[] = {
    [ROLE_ASSIGNMENT] = PROCESS | ENDPOINT | PENDABLE,
    [ROLE_LISTEN] = PROCESS | ENDPOINT | PENDABLE,
    [ROLE_ACCEPT] = PROCESS | ENDPOINT | PENDABLE | FLOW | PLACE | PACKET,
    [ROLE_CONNECT] = PROCESS | ENDPOINT | PENDABLE | FLOW | PLACE | PACKET,
    [ROLE_ESTABLISHED] = PROCESS | ENDPOINT | FLOW,
    [ROLE_RELEASE] = FWPS_METADATA_FIELD_PROCESS_ID | ENDPOINT | PLACE,
    [ROLE_CLOSURE] = FWPS_METADATA_FIELD_PROCESS_ID | ENDPOINT | PLACE,
    [ROLE_REDIRECT] = FWPS_METADATA_FIELD_PROCESS_ID | ENDPOINT,
    [ROLE_OTHER] = ENDPOINT,
};

void metadata_make(const struct classify *classify, const struct values *values,
                   FWPS_INCOMING_METADATA_VALUES0 *metadata)
{
    const struct ale_ask *ask = &classify->message->ask;
    const struct packet *packet = classify->packet;
    UINT32 fields = present[layer_role(ask->layer)];

    if (!values->app.size)
        fields &= ~(UINT32)FWPS_METADATA_FIELD_PROCESS_PATH;
    if (!packet || ask->direction != FWP_DIRECTION_INBOUND)
        fields &= ~(UINT32)FWPS_METADATA_FIELD_IP_HEADER_SIZE;
    if (!packet)
        fields &= ~(UINT32)FWPS_METADATA_FIELD_TRANSPORT_HEADER_SIZE;
    *metadata = (FWPS_INCOMING_METADATA_VALUES0){
        .currentMetadataValues = fields,
        .flowHandle = fields & FLOW ? ask->key.cookie : 0,
        .processPath =
            fields & FWPS_METADATA_FIELD_PROCESS_PATH ? (FWP_BYTE_BLOB *)&values->app : NULL,
        .processId = ask->pid,
        .compartmentId = ask->netns,
        .completionHandle = fields & PENDABLE ? (HANDLE)(uintptr_t)classify->number : NULL,
        .transportEndpointHandle = ask->key.cookie,
        .packetDirection = (FWP_DIRECTION)ask->direction,
        .ipHeaderSize = packet ? packet->ip_header : 0,
        .transportHeaderSize = packet ? packet->transport_header : 0,
    };
}
