#include "same_object.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/utf16.h"

static void same_guid(const GUID *a, const GUID *b)
{
    assert_int_equal(!a, !b);
    if (a)
        assert_memory_equal(a, b, sizeof(*a));
}

static void same_blob(const FWP_BYTE_BLOB *a, const FWP_BYTE_BLOB *b)
{
    assert_int_equal(a->size, b->size);
    if (a->size)
        assert_memory_equal(a->data, b->data, a->size);
}

static void same_text(const WCHAR *a, const WCHAR *b)
{
    assert_int_equal(!a, !b);
    if (a)
        assert_int_equal(utf16_compare(a, b), 0);
}

static void same_sid(const SID *a, const SID *b)
{
    assert_int_equal(!a, !b);
    if (a)
        assert_memory_equal(a, b, 8 + 4u * a->SubAuthorityCount);
}

static void same_display(const FWPM_DISPLAY_DATA0 *a, const FWPM_DISPLAY_DATA0 *b)
{
    same_text(a->name, b->name);
    same_text(a->description, b->description);
}

static void same_token(const FWP_TOKEN_INFORMATION *a, const FWP_TOKEN_INFORMATION *b)
{
    assert_int_equal(a->sidCount, b->sidCount);
    assert_int_equal(a->restrictedSidCount, b->restrictedSidCount);
    for (ULONG i = 0; i < a->sidCount; i++) {
        same_sid(a->sids[i].Sid, b->sids[i].Sid);
        assert_int_equal(a->sids[i].Attributes, b->sids[i].Attributes);
    }
}

void same_value(const FWP_VALUE0 *a, const FWP_VALUE0 *b)
{
    assert_int_equal(a->type, b->type);
    switch (a->type) {
    case FWP_EMPTY:
        break;
    case FWP_UINT8:
    case FWP_INT8:
        assert_int_equal(a->uint8, b->uint8);
        break;
    case FWP_UINT16:
    case FWP_INT16:
        assert_int_equal(a->uint16, b->uint16);
        break;
    case FWP_UINT32:
    case FWP_INT32:
    case FWP_FLOAT:
        assert_int_equal(a->uint32, b->uint32);
        break;
    case FWP_UINT64:
    case FWP_INT64:
    case FWP_DOUBLE:
        assert_memory_equal(a->uint64, b->uint64, 8);
        break;
    case FWP_BYTE_ARRAY16_TYPE:
        assert_memory_equal(a->byteArray16, b->byteArray16, 16);
        break;
    case FWP_BYTE_ARRAY6_TYPE:
        assert_memory_equal(a->byteArray6, b->byteArray6, 6);
        break;
    case FWP_SID:
        same_sid(a->sid, b->sid);
        break;
    case FWP_TOKEN_INFORMATION_TYPE:
        same_token(a->tokenInformation, b->tokenInformation);
        break;
    case FWP_UNICODE_STRING_TYPE:
        same_text(a->unicodeString, b->unicodeString);
        break;
    default:
        same_blob(a->byteBlob, b->byteBlob);
        break;
    }
}

static void same_condition_value(const FWP_CONDITION_VALUE0 *a, const FWP_CONDITION_VALUE0 *b)
{
    assert_int_equal(a->type, b->type);
    switch (a->type) {
    case FWP_V4_ADDR_MASK:
        assert_memory_equal(a->v4AddrMask, b->v4AddrMask, sizeof(*a->v4AddrMask));
        break;
    case FWP_V6_ADDR_MASK:
        assert_memory_equal(a->v6AddrMask, b->v6AddrMask, sizeof(*a->v6AddrMask));
        break;
    case FWP_RANGE_TYPE:
        same_value(&a->rangeValue->valueLow, &b->rangeValue->valueLow);
        same_value(&a->rangeValue->valueHigh, &b->rangeValue->valueHigh);
        break;
    default:
        same_value((const FWP_VALUE0 *)a, (const FWP_VALUE0 *)b);
        break;
    }
}

void same_conditions(UINT32 n, const FWPM_FILTER_CONDITION0 *a, const FWPM_FILTER_CONDITION0 *b)
{
    for (UINT32 i = 0; i < n; i++) {
        same_guid(&a[i].fieldKey, &b[i].fieldKey);
        assert_int_equal(a[i].matchType, b[i].matchType);
        same_condition_value(&a[i].conditionValue, &b[i].conditionValue);
    }
}

void same_provider(const FWPM_PROVIDER0 *a, const FWPM_PROVIDER0 *b)
{
    same_guid(&a->providerKey, &b->providerKey);
    same_display(&a->displayData, &b->displayData);
    assert_int_equal(a->flags, b->flags);
    same_blob(&a->providerData, &b->providerData);
    same_text(a->serviceName, b->serviceName);
}

static void same_options(const FWPM_CLASSIFY_OPTIONS0 *a, const FWPM_CLASSIFY_OPTIONS0 *b)
{
    assert_int_equal(a->numOptions, b->numOptions);
    for (UINT32 i = 0; i < a->numOptions; i++) {
        assert_int_equal(a->options[i].type, b->options[i].type);
        same_value(&a->options[i].value, &b->options[i].value);
    }
}

void same_provider_context(const FWPM_PROVIDER_CONTEXT0 *a, const FWPM_PROVIDER_CONTEXT0 *b)
{
    same_guid(&a->providerContextKey, &b->providerContextKey);
    same_display(&a->displayData, &b->displayData);
    assert_int_equal(a->flags, b->flags);
    same_guid(a->providerKey, b->providerKey);
    same_blob(&a->providerData, &b->providerData);
    assert_int_equal(a->type, b->type);
    if (a->type == FWPM_GENERAL_CONTEXT)
        same_blob(a->dataBuffer, b->dataBuffer);
    else
        same_options(a->classifyOptions, b->classifyOptions);
    assert_int_equal(a->providerContextId, b->providerContextId);
}

void same_sublayer(const FWPM_SUBLAYER0 *a, const FWPM_SUBLAYER0 *b)
{
    same_guid(&a->subLayerKey, &b->subLayerKey);
    same_display(&a->displayData, &b->displayData);
    assert_int_equal(a->flags, b->flags);
    same_guid(a->providerKey, b->providerKey);
    same_blob(&a->providerData, &b->providerData);
    assert_int_equal(a->weight, b->weight);
}

void same_callout(const FWPM_CALLOUT0 *a, const FWPM_CALLOUT0 *b)
{
    same_guid(&a->calloutKey, &b->calloutKey);
    same_display(&a->displayData, &b->displayData);
    assert_int_equal(a->flags, b->flags);
    same_guid(a->providerKey, b->providerKey);
    same_blob(&a->providerData, &b->providerData);
    same_guid(&a->applicableLayer, &b->applicableLayer);
    assert_int_equal(a->calloutId, b->calloutId);
}

void same_filter(const FWPM_FILTER0 *a, const FWPM_FILTER0 *b)
{
    same_guid(&a->filterKey, &b->filterKey);
    same_display(&a->displayData, &b->displayData);
    assert_int_equal(a->flags, b->flags);
    same_guid(a->providerKey, b->providerKey);
    same_blob(&a->providerData, &b->providerData);
    same_guid(&a->layerKey, &b->layerKey);
    same_guid(&a->subLayerKey, &b->subLayerKey);
    same_value(&a->weight, &b->weight);
    assert_int_equal(a->numFilterConditions, b->numFilterConditions);
    same_conditions(a->numFilterConditions, a->filterCondition, b->filterCondition);
    assert_int_equal(a->action.type, b->action.type);
    same_guid(&a->action.calloutKey, &b->action.calloutKey);
    same_guid(&a->providerContextKey, &b->providerContextKey); /* the whole union */
    assert_int_equal(a->filterId, b->filterId);
    same_value(&a->effectiveWeight, &b->effectiveWeight);
}

void same_filter_template(const FWPM_FILTER_ENUM_TEMPLATE0 *a, const FWPM_FILTER_ENUM_TEMPLATE0 *b)
{
    same_guid(a->providerKey, b->providerKey);
    same_guid(&a->layerKey, &b->layerKey);
    assert_int_equal(a->enumType, b->enumType);
    assert_int_equal(a->flags, b->flags);
    assert_int_equal(!a->providerContextTemplate, !b->providerContextTemplate);
    if (a->providerContextTemplate) {
        same_guid(a->providerContextTemplate->providerKey, b->providerContextTemplate->providerKey);
        assert_int_equal(a->providerContextTemplate->providerContextType,
                         b->providerContextTemplate->providerContextType);
    }
    assert_int_equal(a->numFilterConditions, b->numFilterConditions);
    same_conditions(a->numFilterConditions, a->filterCondition, b->filterCondition);
    assert_int_equal(a->actionMask, b->actionMask);
    same_guid(a->calloutKey, b->calloutKey);
}

static void same_header(const FWPM_NET_EVENT_HEADER3 *a, const FWPM_NET_EVENT_HEADER3 *b)
{
    assert_memory_equal(&a->timeStamp, &b->timeStamp, sizeof(a->timeStamp));
    assert_int_equal(a->flags, b->flags);
    assert_int_equal(a->ipVersion, b->ipVersion);
    assert_int_equal(a->ipProtocol, b->ipProtocol);
    assert_memory_equal(&a->localAddrV6, &b->localAddrV6, 16);
    assert_memory_equal(&a->remoteAddrV6, &b->remoteAddrV6, 16);
    assert_int_equal(a->localPort, b->localPort);
    assert_int_equal(a->remotePort, b->remotePort);
    assert_int_equal(a->scopeId, b->scopeId);
    same_blob(&a->appId, &b->appId);
    same_sid(a->userId, b->userId);
    assert_int_equal(a->addressFamily, b->addressFamily);
}

void same_net_event(const OPENWFP_NET_EVENT *a, const OPENWFP_NET_EVENT *b)
{
    same_header(&a->event.header, &b->event.header);
    assert_int_equal(a->event.type, b->event.type);
    /* CLASSIFY_ALLOW0 is the beginning of CLASSIFY_DROP2. */
    assert_int_equal(a->event.classifyDrop->filterId, b->event.classifyDrop->filterId);
    assert_int_equal(a->event.classifyDrop->layerId, b->event.classifyDrop->layerId);
    assert_int_equal(a->event.classifyDrop->reauthReason, b->event.classifyDrop->reauthReason);
    assert_int_equal(a->event.classifyDrop->msFwpDirection, b->event.classifyDrop->msFwpDirection);
    assert_int_equal(a->event.classifyDrop->isLoopback, b->event.classifyDrop->isLoopback);
    assert_int_equal(a->eventId, b->eventId);
    assert_int_equal(a->flowId, b->flowId);
    assert_int_equal(a->cgroupId, b->cgroupId);
    assert_int_equal(a->processStartTime, b->processStartTime);
    assert_int_equal(a->processId, b->processId);
    assert_int_equal(a->uid, b->uid);
    assert_int_equal(a->gid, b->gid);
    assert_int_equal(a->netns, b->netns);
    assert_int_equal(a->interfaceIndex, b->interfaceIndex);
    assert_int_equal(a->calloutId, b->calloutId);
    assert_int_equal(a->conditionFlags, b->conditionFlags);
    assert_string_equal(a->comm, b->comm);
}

static void same_classifier_layer(const OPENWFP_CLASSIFIER_LAYER *a,
                                  const OPENWFP_CLASSIFIER_LAYER *b)
{
    assert_int_equal(a->layerId, b->layerId);
    assert_int_equal(a->filters, b->filters);
    assert_int_equal(a->overlay, b->overlay);
    assert_int_equal(a->trees, b->trees);
    assert_int_equal(a->records, b->records);
    assert_int_equal(a->depth, b->depth);
    assert_int_equal(a->longest, b->longest);
    assert_int_equal(a->worst, b->worst);
    assert_int_equal(a->recordBytes, b->recordBytes);
    assert_int_equal(a->treeBytes, b->treeBytes);
}

void same_classifier(const OPENWFP_CLASSIFIER *a, const OPENWFP_CLASSIFIER *b)
{
    assert_int_equal(a->generation, b->generation);
    assert_int_equal(a->size, b->size);
    assert_int_equal(a->reserve, b->reserve);
    assert_int_equal(a->reserveUsed, b->reserveUsed);
    assert_int_equal(a->buildTime, b->buildTime);
    assert_int_equal(a->imageChanges, b->imageChanges);
    assert_int_equal(a->overlay, b->overlay);
    assert_int_equal(a->deleted, b->deleted);
    assert_int_equal(a->rebuild, b->rebuild);
    assert_int_equal(a->rebuildTime, b->rebuildTime);
    assert_int_equal(a->changes, b->changes);
    assert_int_equal(a->images, b->images);
    assert_int_equal(a->rebuilds, b->rebuilds);
    assert_int_equal(a->numLayers, b->numLayers);
    for (UINT32 i = 0; i < a->numLayers; i++)
        same_classifier_layer(&a->layers[i], &b->layers[i]);
}

void same_held(const OPENWFP_HELD *a, const OPENWFP_HELD *b)
{
    assert_int_equal(a->id, b->id);
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->layerId, b->layerId);
    assert_int_equal(a->direction, b->direction);
    assert_int_equal(a->ipVersion, b->ipVersion);
    assert_int_equal(a->ipProtocol, b->ipProtocol);
    assert_memory_equal(&a->localAddrV6, &b->localAddrV6, a->ipVersion ? 16 : 4);
    assert_memory_equal(&a->remoteAddrV6, &b->remoteAddrV6, a->ipVersion ? 16 : 4);
    assert_int_equal(a->localPort, b->localPort);
    assert_int_equal(a->remotePort, b->remotePort);
    same_blob(&a->appId, &b->appId);
    assert_int_equal(a->processId, b->processId);
    assert_int_equal(a->processStartTime, b->processStartTime);
    assert_string_equal(a->comm, b->comm);
    assert_int_equal(a->uid, b->uid);
    assert_int_equal(a->gid, b->gid);
    assert_int_equal(a->netns, b->netns);
    assert_int_equal(a->cgroupId, b->cgroupId);
    assert_int_equal(a->conditionFlags, b->conditionFlags);
    assert_int_equal(a->filterId, b->filterId);
    assert_int_equal(a->timeout, b->timeout);
    assert_int_equal(a->remaining, b->remaining);
    assert_int_equal(a->defaultAction, b->defaultAction);
}

void same_held_notice(const OPENWFP_HELD_NOTICE *a, const OPENWFP_HELD_NOTICE *b)
{
    same_held(&a->held, &b->held);
    assert_int_equal(a->change, b->change);
    assert_int_equal(a->action, b->action);
    assert_int_equal(a->answeredBy, b->answeredBy);
}
