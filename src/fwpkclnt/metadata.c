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
    [ROLE_CONNECT_REDIRECT] =
        FWPS_METADATA_FIELD_PROCESS_ID | ENDPOINT | FWPS_METADATA_FIELD_REDIRECT_RECORD_HANDLE,
    [ROLE_BIND_REDIRECT] = FWPS_METADATA_FIELD_PROCESS_ID | ENDPOINT,
    [ROLE_OTHER] = ENDPOINT,
};

/* 21.5, 21.6 */
static UINT32 redirected(const struct driver_classify *message, UINT32 fields)
{
    bool proxys = message->flags & (DRIVER_REDIRECTED_BY_SELF | DRIVER_REDIRECTED_BY_OTHER);

    if (!proxys)
        fields &= ~(UINT32)FWPS_METADATA_FIELD_REDIRECT_RECORD_HANDLE;
    if (!message->redirect.redirected)
        return fields;
    if (layer_role(message->ask.layer) == ROLE_CONNECT)
        fields |= FWPS_METADATA_FIELD_ORIGINAL_DESTINATION;
    if (message->redirect.target_pid)
        fields |= FWPS_METADATA_FIELD_LOCAL_REDIRECT_TARGET_PID;
    return fields;
}

void metadata_make(const struct classify *classify, const struct values *values,
                   FWPS_INCOMING_METADATA_VALUES0 *metadata)
{
    const struct ale_ask *ask = &classify->message->ask;
    const struct packet *packet = classify->packet;
    UINT32 fields = redirected(classify->message, present[layer_role(ask->layer)]);

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
        .localRedirectTargetPID = fields & FWPS_METADATA_FIELD_LOCAL_REDIRECT_TARGET_PID
                                      ? classify->message->redirect.target_pid
                                      : 0,
        .originalDestination =
            fields & FWPS_METADATA_FIELD_ORIGINAL_DESTINATION ? (SOCKADDR *)&values->asked : NULL,
        .redirectRecords = fields & FWPS_METADATA_FIELD_REDIRECT_RECORD_HANDLE
                               ? (HANDLE)(uintptr_t)classify->number
                               : NULL,
    };
}
