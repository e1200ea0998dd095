/* The fields of a layer, as a callout sees them. */
#include <stdlib.h>
#include <string.h>

#include "classify/abi.h"
#include "fwpkclnt/handle.h"
#include "model/layers.h"
#include "model/utf16.h"

enum layer_role layer_role(uint16_t layer)
{
    switch (layer) {
    case FWPS_LAYER_ALE_RESOURCE_ASSIGNMENT_V4:
    case FWPS_LAYER_ALE_RESOURCE_ASSIGNMENT_V6:
        return ROLE_ASSIGNMENT;
    case FWPS_LAYER_ALE_AUTH_LISTEN_V4:
    case FWPS_LAYER_ALE_AUTH_LISTEN_V6:
        return ROLE_LISTEN;
    case FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4:
    case FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V6:
        return ROLE_ACCEPT;
    case FWPS_LAYER_ALE_AUTH_CONNECT_V4:
    case FWPS_LAYER_ALE_AUTH_CONNECT_V6:
        return ROLE_CONNECT;
    case FWPS_LAYER_ALE_FLOW_ESTABLISHED_V4:
    case FWPS_LAYER_ALE_FLOW_ESTABLISHED_V6:
        return ROLE_ESTABLISHED;
    case FWPS_LAYER_ALE_RESOURCE_RELEASE_V4:
    case FWPS_LAYER_ALE_RESOURCE_RELEASE_V6:
        return ROLE_RELEASE;
    case FWPS_LAYER_ALE_ENDPOINT_CLOSURE_V4:
    case FWPS_LAYER_ALE_ENDPOINT_CLOSURE_V6:
        return ROLE_CLOSURE;
    case FWPS_LAYER_ALE_CONNECT_REDIRECT_V4:
    case FWPS_LAYER_ALE_CONNECT_REDIRECT_V6:
        return ROLE_CONNECT_REDIRECT;
    case FWPS_LAYER_ALE_BIND_REDIRECT_V4:
    case FWPS_LAYER_ALE_BIND_REDIRECT_V6:
        return ROLE_BIND_REDIRECT;
    default:
        return ROLE_OTHER;
    }
}

/* The halves of an IPv6 address are big-endian numbers. */
static void set_address(struct values *values, FWP_VALUE0 *value, const __u64 *halves)
{
    FWP_BYTE_ARRAY16 *address = &values->addresses[values->address_count++];

    for (int i = 0; i < 16; i++)
        address->byteArray16[i] = (UINT8)(halves[i / 8] >> (56 - i % 8 * 8));
    value->byteArray16 = address;
}

static bool set_app(struct values *values, FWP_VALUE0 *value)
{
    value->byteBlob = &values->app;
    return values->app.size != 0;
}

/* S-1-22-1-uid */
static bool set_user(struct values *values, FWP_VALUE0 *value, uint32_t uid)
{
    SID *sid = &values->user.sid;

    sid->Revision = SID_REVISION;
    sid->SubAuthorityCount = 2;
    sid->IdentifierAuthority.Value[5] = 22;
    sid->SubAuthority[0] = 1;
    values->user.last = uid;
    value->type = FWP_SID;
    value->sid = sid;
    return true;
}

/* False: the field is empty. */
static bool set_value(struct values *values, unsigned place, const struct layer_field *field,
                      const struct driver_classify *message)
{
    const __u64 *number = &message->ask.fields.value[field->slot];
    FWP_VALUE0 *value = &values->fields[place].value;

    value->type = (FWP_DATA_TYPE)field->data_type;
    if (field->slot == CLASSIFY_UID)
        return set_user(values, value, (uint32_t)*number);
    switch (field->data_type) {
    case FWP_UINT8:
        value->uint8 = (UINT8)*number;
        return true;
    case FWP_UINT16:
        value->uint16 = (UINT16)*number;
        return true;
    case FWP_UINT32:
        value->uint32 = (UINT32)*number;
        return true;
    case FWP_UINT64:
        values->numbers[place] = *number;
        value->uint64 = &values->numbers[place];
        return true;
    case FWP_BYTE_ARRAY16_TYPE:
        if (values->address_count == ARRAYSIZE(values->addresses))
            return false;
        set_address(values, value, number);
        return true;
    case FWP_BYTE_BLOB_TYPE:
        return field->slot == CLASSIFY_APP && set_app(values, value);
    default:
        return false;
    }
}

/* The path as FwpmGetAppIdFromFileName0 makes it: UTF-16 with its terminator. */
static void make_app(const char *path, struct values *values)
{
    WCHAR *text = path[0] ? utf16_from_utf8(path) : NULL;

    if (text)
        values->app = (FWP_BYTE_BLOB){.size = (UINT32)((utf16_length(text) + 1) * sizeof(WCHAR)),
                                      .data = (UINT8 *)text};
}

bool values_make(const struct driver_classify *message, struct values *values)
{
    const struct layer_info *layer = layer_by_id(message->ask.layer);

    memset(values, 0, sizeof(*values));
    if (!layer || layer->field_count > VALUES_MAX)
        return false;
    make_app(message->app, values);
    redirection_sockaddr(&values->asked, message->ask.family, message->ask.key.remote,
                         message->ask.key.port);
    values->fixed = (FWPS_INCOMING_VALUES0){layer->id, layer->field_count, values->fields};
    for (unsigned i = 0; i < layer->field_count; i++) {
        const struct layer_field *field = &layer->fields[i];
        bool present = field->slot >= 0 && message->ask.fields.present >> field->slot & 1;

        if (!present || !set_value(values, i, field, message))
            values->fields[i].value.type = FWP_EMPTY;
    }
    return true;
}

void values_free(struct values *values)
{
    free(values->app.data);
}
