#include "random_object.h"

#include <string.h>

static uint64_t next(struct random_source *source)
{
    uint64_t x = source->state += 0x9e3779b97f4a7c15u;

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

uint32_t random_below(struct random_source *source, uint32_t bound)
{
    return (uint32_t)(next(source) % bound);
}

static void *random_bytes(struct random_source *source, size_t size)
{
    uint8_t *bytes = arena_alloc(source->arena, size);

    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)next(source);
    return bytes;
}

GUID random_guid_value(struct random_source *source)
{
    return *(GUID *)random_bytes(source, sizeof(GUID));
}

static GUID *maybe_guid(struct random_source *source)
{
    return random_below(source, 2) ? random_bytes(source, sizeof(GUID)) : NULL;
}

static FWP_BYTE_BLOB random_blob(struct random_source *source)
{
    UINT32 size = random_below(source, 40);

    return (FWP_BYTE_BLOB){.size = size, .data = size ? random_bytes(source, size) : NULL};
}

static void *random_blob_pointer(struct random_source *source)
{
    FWP_BYTE_BLOB blob = random_blob(source);

    return arena_copy(source->arena, &blob, sizeof(blob));
}

static WCHAR *random_text(struct random_source *source)
{
    size_t units = random_below(source, 20);
    WCHAR *text = arena_array(source->arena, units + 1, sizeof(*text));

    for (size_t i = 0; i < units; i++)
        text[i] = (WCHAR)(1 + random_below(source, 0xffff));
    return text;
}

static WCHAR *maybe_text(struct random_source *source)
{
    return random_below(source, 3) ? random_text(source) : NULL;
}

static FWPM_DISPLAY_DATA0 random_display(struct random_source *source)
{
    return (FWPM_DISPLAY_DATA0){.name = maybe_text(source), .description = maybe_text(source)};
}

static SID *random_sid(struct random_source *source)
{
    unsigned subs = random_below(source, SID_MAX_SUB_AUTHORITIES + 1);
    SID *sid = random_bytes(source, 8 + 4 * subs + 4);

    sid->Revision = SID_REVISION;
    sid->SubAuthorityCount = (BYTE)subs;
    return sid;
}

static FWP_TOKEN_INFORMATION *random_token(struct random_source *source)
{
    FWP_TOKEN_INFORMATION *token = arena_alloc(source->arena, sizeof(*token));

    token->sidCount = random_below(source, 4);
    token->sids = arena_array(source->arena, token->sidCount, sizeof(*token->sids));
    for (ULONG i = 0; i < token->sidCount; i++)
        token->sids[i] = (SID_AND_ATTRIBUTES){random_sid(source), random_below(source, 100)};
    return token;
}

static void fill_value(struct random_source *source, FWP_VALUE0 *value)
{
    switch (value->type) {
    case FWP_EMPTY:
        break;
    case FWP_UINT8:
    case FWP_INT8:
        value->uint8 = (UINT8)next(source);
        break;
    case FWP_UINT16:
    case FWP_INT16:
        value->uint16 = (UINT16)next(source);
        break;
    case FWP_UINT32:
    case FWP_INT32:
    case FWP_FLOAT:
        value->uint32 = (UINT32)next(source);
        break;
    case FWP_UNICODE_STRING_TYPE:
        value->unicodeString = random_text(source);
        break;
    case FWP_SID:
        value->sid = random_sid(source);
        break;
    case FWP_TOKEN_INFORMATION_TYPE:
        value->tokenInformation = random_token(source);
        break;
    case FWP_BYTE_BLOB_TYPE:
    case FWP_SECURITY_DESCRIPTOR_TYPE:
    case FWP_TOKEN_ACCESS_INFORMATION_TYPE:
        value->byteBlob = random_blob_pointer(source);
        break;
    default: /* eight, six or sixteen bytes behind a pointer */
        value->byteArray16 = random_bytes(source, 16);
        break;
    }
}

FWP_VALUE0 random_value(struct random_source *source)
{
    FWP_VALUE0 value = {.type = (FWP_DATA_TYPE)random_below(source, FWP_BYTE_ARRAY6_TYPE + 1)};

    fill_value(source, &value);
    return value;
}

FWP_CONDITION_VALUE0 random_condition_value(struct random_source *source)
{
    FWP_CONDITION_VALUE0 value = {0};
    FWP_RANGE0 range;

    switch (random_below(source, 4)) {
    case 0:
        value.type = FWP_V4_ADDR_MASK;
        value.v4AddrMask = random_bytes(source, sizeof(*value.v4AddrMask));
        break;
    case 1:
        value.type = FWP_V6_ADDR_MASK;
        value.v6AddrMask = random_bytes(source, sizeof(*value.v6AddrMask));
        value.v6AddrMask->prefixLength %= 129;
        break;
    case 2:
        value.type = FWP_RANGE_TYPE;
        range.valueLow = random_value(source);
        range.valueHigh = random_value(source);
        value.rangeValue = arena_copy(source->arena, &range, sizeof(range));
        break;
    default:
        *(FWP_VALUE0 *)&value = random_value(source);
        break;
    }
    return value;
}

static FWPM_FILTER_CONDITION0 *random_conditions(struct random_source *source, UINT32 *count)
{
    FWPM_FILTER_CONDITION0 *conditions;

    *count = random_below(source, 6);
    conditions = arena_array(source->arena, *count, sizeof(*conditions));
    for (UINT32 i = 0; i < *count; i++) {
        conditions[i].fieldKey = random_guid_value(source);
        conditions[i].matchType = (FWP_MATCH_TYPE)random_below(source, FWP_MATCH_TYPE_MAX);
        conditions[i].conditionValue = random_condition_value(source);
    }
    return *count ? conditions : NULL;
}

FWPM_PROVIDER0 random_provider(struct random_source *source)
{
    return (FWPM_PROVIDER0){
        .providerKey = random_guid_value(source),
        .displayData = random_display(source),
        .flags = (UINT32)next(source),
        .providerData = random_blob(source),
        .serviceName = maybe_text(source),
    };
}

static FWPM_CLASSIFY_OPTIONS0 *random_options(struct random_source *source)
{
    FWPM_CLASSIFY_OPTIONS0 *options = arena_alloc(source->arena, sizeof(*options));

    options->numOptions = random_below(source, 4);
    options->options = arena_array(source->arena, options->numOptions, sizeof(*options->options));
    for (UINT32 i = 0; i < options->numOptions; i++) {
        options->options[i].type =
            (FWP_CLASSIFY_OPTION_TYPE)random_below(source, FWP_CLASSIFY_OPTION_MAX);
        options->options[i].value = random_value(source);
    }
    return options;
}

FWPM_PROVIDER_CONTEXT0 random_provider_context(struct random_source *source)
{
    FWPM_PROVIDER_CONTEXT0 context = {
        .providerContextKey = random_guid_value(source),
        .displayData = random_display(source),
        .flags = (UINT32)next(source),
        .providerKey = maybe_guid(source),
        .providerData = random_blob(source),
        .providerContextId = next(source),
    };

    if (random_below(source, 2)) {
        context.type = FWPM_GENERAL_CONTEXT;
        context.dataBuffer = random_blob_pointer(source);
    } else {
        context.type = FWPM_CLASSIFY_OPTIONS_CONTEXT;
        context.classifyOptions = random_options(source);
    }
    return context;
}

FWPM_SUBLAYER0 random_sublayer(struct random_source *source)
{
    return (FWPM_SUBLAYER0){
        .subLayerKey = random_guid_value(source),
        .displayData = random_display(source),
        .flags = (UINT32)next(source),
        .providerKey = maybe_guid(source),
        .providerData = random_blob(source),
        .weight = (UINT16)next(source),
    };
}

FWPM_CALLOUT0 random_callout(struct random_source *source)
{
    return (FWPM_CALLOUT0){
        .calloutKey = random_guid_value(source),
        .displayData = random_display(source),
        .flags = (UINT32)next(source),
        .providerKey = maybe_guid(source),
        .providerData = random_blob(source),
        .applicableLayer = random_guid_value(source),
        .calloutId = (UINT32)next(source),
    };
}

FWPM_FILTER0 random_filter(struct random_source *source)
{
    FWPM_FILTER0 filter = {
        .filterKey = random_guid_value(source),
        .displayData = random_display(source),
        .flags = (UINT32)next(source),
        .providerKey = maybe_guid(source),
        .providerData = random_blob(source),
        .layerKey = random_guid_value(source),
        .subLayerKey = random_guid_value(source),
        .weight = random_value(source),
        .filterId = next(source),
        .effectiveWeight = random_value(source),
    };

    filter.filterCondition = random_conditions(source, &filter.numFilterConditions);
    filter.action.type = (FWP_ACTION_TYPE)next(source);
    filter.action.calloutKey = random_guid_value(source);
    if (filter.flags & FWPM_FILTER_FLAG_HAS_PROVIDER_CONTEXT)
        filter.providerContextKey = random_guid_value(source);
    else
        filter.rawContext = next(source);
    return filter;
}

FWPM_FILTER_ENUM_TEMPLATE0 random_filter_template(struct random_source *source)
{
    FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0 context = {.providerKey = maybe_guid(source),
                                                    .providerContextType = FWPM_GENERAL_CONTEXT};
    FWPM_FILTER_ENUM_TEMPLATE0 template_ = {
        .providerKey = maybe_guid(source),
        .layerKey = random_guid_value(source),
        .enumType = (FWP_FILTER_ENUM_TYPE)random_below(source, FWP_FILTER_ENUM_TYPE_MAX),
        .flags = (UINT32)next(source),
        .actionMask = (UINT32)next(source),
        .calloutKey = maybe_guid(source),
    };

    template_.filterCondition = random_conditions(source, &template_.numFilterConditions);
    if (random_below(source, 2))
        template_.providerContextTemplate = arena_copy(source->arena, &context, sizeof(context));
    return template_;
}

static void *random_classify(struct random_source *source)
{
    FWPM_NET_EVENT_CLASSIFY_DROP2 classify = {
        .filterId = next(source),
        .layerId = (UINT16)next(source),
        .reauthReason = (UINT32)next(source),
        .msFwpDirection = random_below(source, 2),
        .isLoopback = (BOOL)random_below(source, 2),
    };

    return arena_copy(source->arena, &classify, sizeof(classify));
}

OPENWFP_NET_EVENT random_net_event(struct random_source *source)
{
    OPENWFP_NET_EVENT event = {
        .eventId = next(source),
        .flowId = next(source),
        .cgroupId = next(source),
        .processStartTime = next(source),
        .processId = (UINT32)next(source),
        .uid = (UINT32)next(source),
        .gid = (UINT32)next(source),
        .netns = (UINT32)next(source),
        .interfaceIndex = (UINT32)next(source),
        .calloutId = (UINT32)next(source),
        .conditionFlags = (UINT32)next(source),
        .comm = "curl",
    };
    FWPM_NET_EVENT_HEADER3 *header = &event.event.header;

    header->timeStamp.dwHighDateTime = (DWORD)next(source);
    header->timeStamp.dwLowDateTime = (DWORD)next(source);
    header->flags = (UINT32)next(source);
    header->ipVersion = random_below(source, 2) ? FWP_IP_VERSION_V6 : FWP_IP_VERSION_V4;
    header->ipProtocol = (UINT8)next(source);
    memcpy(&header->localAddrV6, random_bytes(source, 16), header->ipVersion ? 16 : 4);
    memcpy(&header->remoteAddrV6, random_bytes(source, 16), header->ipVersion ? 16 : 4);
    header->localPort = (UINT16)next(source);
    header->remotePort = (UINT16)next(source);
    header->scopeId = (UINT32)next(source);
    header->appId = random_blob(source);
    header->userId = random_below(source, 2) ? random_sid(source) : NULL;
    header->addressFamily = (FWP_AF)header->ipVersion;
    event.event.type = random_below(source, 2) ? FWPM_NET_EVENT_TYPE_CLASSIFY_DROP
                                               : FWPM_NET_EVENT_TYPE_CLASSIFY_ALLOW;
    event.event.classifyDrop = random_classify(source);
    return event;
}

static OPENWFP_CLASSIFIER_LAYER random_classifier_layer(struct random_source *source)
{
    return (OPENWFP_CLASSIFIER_LAYER){
        .layerId = (UINT16)next(source),
        .filters = (UINT32)next(source),
        .overlay = (UINT32)next(source),
        .trees = (UINT32)next(source),
        .records = (UINT32)next(source),
        .depth = (UINT32)next(source),
        .longest = (UINT32)next(source),
        .worst = (UINT32)next(source),
        .recordBytes = next(source),
        .treeBytes = next(source),
    };
}

OPENWFP_CLASSIFIER random_classifier(struct random_source *source)
{
    OPENWFP_CLASSIFIER classifier = {
        .generation = next(source),
        .size = next(source),
        .reserve = next(source),
        .reserveUsed = next(source),
        .buildTime = next(source),
        .imageChanges = next(source),
        .overlay = (UINT32)next(source),
        .deleted = (UINT32)next(source),
        .rebuild = (OPENWFP_REBUILD)random_below(source, 3),
        .rebuildTime = next(source),
        .changes = next(source),
        .images = next(source),
        .rebuilds = next(source),
        .numLayers = random_below(source, 5),
    };

    classifier.layers =
        arena_array(source->arena, classifier.numLayers, sizeof(*classifier.layers));
    for (UINT32 i = 0; i < classifier.numLayers; i++)
        classifier.layers[i] = random_classifier_layer(source);
    return classifier;
}

static FWP_ACTION_TYPE random_decision(struct random_source *source)
{
    return random_below(source, 2) ? FWP_ACTION_PERMIT : FWP_ACTION_BLOCK;
}

static OPENWFP_HELD random_held(struct random_source *source)
{
    OPENWFP_HELD held = {
        .id = next(source),
        .count = (UINT32)next(source),
        .layerId = (UINT16)next(source),
        .direction = (FWP_DIRECTION)random_below(source, 2),
        .ipVersion = random_below(source, 2) ? FWP_IP_VERSION_V6 : FWP_IP_VERSION_V4,
        .ipProtocol = (UINT8)next(source),
        .localPort = (UINT16)next(source),
        .remotePort = (UINT16)next(source),
        .appId = random_blob(source),
        .processId = (UINT32)next(source),
        .processStartTime = next(source),
        .comm = "a program",
        .uid = (UINT32)next(source),
        .gid = (UINT32)next(source),
        .netns = (UINT32)next(source),
        .cgroupId = next(source),
        .conditionFlags = (UINT32)next(source),
        .filterId = next(source),
        .timeout = (UINT32)next(source),
        .remaining = (UINT32)next(source),
        .defaultAction = random_decision(source),
    };

    memcpy(&held.localAddrV6, random_bytes(source, 16), held.ipVersion ? 16 : 4);
    memcpy(&held.remoteAddrV6, random_bytes(source, 16), held.ipVersion ? 16 : 4);
    return held;
}

OPENWFP_HELD_NOTICE random_held_notice(struct random_source *source)
{
    return (OPENWFP_HELD_NOTICE){
        .held = random_held(source),
        .change = (OPENWFP_HELD_CHANGE)random_below(source, 4),
        .action = random_decision(source),
        .answeredBy = (UINT32)next(source),
    };
}
