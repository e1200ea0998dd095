/*
 * What the filter engine hands to a callout's functions, as on the Microsoft pages of the same
 * names (header fwpstypes.h). Numbers and layouts are Microsoft's.
 */
#ifndef OPENWFP_FWPSTYPES_H
#define OPENWFP_FWPSTYPES_H

#include <fwpmtypes.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- filters, as a classify meets them ---- */

typedef struct FWPS_FILTER_CONDITION0_ {
    UINT16 fieldId; /* FWPS_FIELD_* of the layer */
    UINT16 reserved;
    FWP_MATCH_TYPE matchType;
    FWP_CONDITION_VALUE0 conditionValue;
} FWPS_FILTER_CONDITION0;

typedef struct FWPS_ACTION0_ {
    FWP_ACTION_TYPE type;
    UINT32 calloutId;
} FWPS_ACTION0;

/* A permit of this filter's callout has to clear FWPS_RIGHT_ACTION_WRITE. */
#define FWPS_FILTER_FLAG_CLEAR_ACTION_RIGHT                  0x0001
#define FWPS_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED      0x0002
#define FWPS_FILTER_FLAG_OR_CONDITIONS                       0x0004
#define FWPS_FILTER_FLAG_HAS_SECURITY_REALM_PROVIDER_CONTEXT 0x0008
#define FWPS_FILTER_FLAG_SILENT_MODE                         0x0010
#define FWPS_FILTER_FLAG_IPSEC_NO_ACQUIRE_INITIATE           0x0020

/*
 * On Linux weight, subLayerWeight and the conditions are not handed over (FWP_EMPTY, 0, none);
 * FwpmFilterGetById0 has them. context: rawContext, or the id of the provider context. The versions
 * differ in the type of providerContext, which is NULL on Linux.
 */
typedef struct FWPS_FILTER0_ {
    UINT64 filterId;
    FWP_VALUE0 weight;
    UINT16 subLayerWeight;
    UINT16 flags; /* FWPS_FILTER_FLAG_* */
    UINT32 numFilterConditions;
    FWPS_FILTER_CONDITION0 *filterCondition;
    FWPS_ACTION0 action;
    UINT64 context;
    FWPM_PROVIDER_CONTEXT0 *providerContext;
} FWPS_FILTER0;

typedef struct FWPS_FILTER1_ {
    UINT64 filterId;
    FWP_VALUE0 weight;
    UINT16 subLayerWeight;
    UINT16 flags;
    UINT32 numFilterConditions;
    FWPS_FILTER_CONDITION0 *filterCondition;
    FWPS_ACTION0 action;
    UINT64 context;
    FWPM_PROVIDER_CONTEXT1 *providerContext;
} FWPS_FILTER1;

typedef struct FWPS_FILTER2_ {
    UINT64 filterId;
    FWP_VALUE0 weight;
    UINT16 subLayerWeight;
    UINT16 flags;
    UINT32 numFilterConditions;
    FWPS_FILTER_CONDITION0 *filterCondition;
    FWPS_ACTION0 action;
    UINT64 context;
    FWPM_PROVIDER_CONTEXT2 *providerContext;
} FWPS_FILTER2;

typedef struct FWPS_FILTER3_ {
    UINT64 filterId;
    FWP_VALUE0 weight;
    UINT16 subLayerWeight;
    UINT16 flags;
    UINT32 numFilterConditions;
    FWPS_FILTER_CONDITION0 *filterCondition;
    FWPS_ACTION0 action;
    UINT64 context;
    FWPM_PROVIDER_CONTEXT3 *providerContext;
} FWPS_FILTER3;

/* ---- the fields of a layer ---- */

typedef struct FWPS_INCOMING_VALUE0_ {
    FWP_VALUE0 value; /* FWP_EMPTY: the field does not apply */
} FWPS_INCOMING_VALUE0;

/* On Linux ALE_USER_ID is an FWP_SID, the user's S-1-22-1-uid; Windows has a token there. Fields
 * that Linux does not know are FWP_EMPTY: see docs/layers.md. */
typedef struct FWPS_INCOMING_VALUES0_ {
    UINT16 layerId;                      /* FWPS_LAYER_* */
    UINT32 valueCount;                   /* FWPS_FIELD_*_MAX */
    FWPS_INCOMING_VALUE0 *incomingValue; /* by FWPS_FIELD_* */
} FWPS_INCOMING_VALUES0;

/* ---- what accompanies them ---- */

typedef enum FWPS_DISCARD_MODULE0_ {
    FWPS_DISCARD_MODULE_NETWORK,
    FWPS_DISCARD_MODULE_TRANSPORT,
    FWPS_DISCARD_MODULE_GENERAL,
    FWPS_DISCARD_MODULE_MAX
} FWPS_DISCARD_MODULE0;

typedef enum FWPS_GENERAL_DISCARD_REASON_ {
    FWPS_DISCARD_FIREWALL_POLICY,
    FWPS_DISCARD_IPSEC,
    FWPS_GENERAL_DISCARD_REASON_MAX
} FWPS_GENERAL_DISCARD_REASON;

typedef struct FWPS_DISCARD_METADATA0_ {
    FWPS_DISCARD_MODULE0 discardModule;
    UINT32 discardReason;
    UINT64 filterId;
} FWPS_DISCARD_METADATA0;

typedef struct FWPS_INBOUND_FRAGMENT_METADATA0_ {
    UINT32 fragmentIdentification;
    UINT16 fragmentOffset;
    ULONG fragmentLength;
} FWPS_INBOUND_FRAGMENT_METADATA0;

#define FWPS_INCOMING_FLAG_CACHE_SAFE                    0x00000001
#define FWPS_INCOMING_FLAG_ENFORCE_QUERY                 0x00000002
#define FWPS_INCOMING_FLAG_ABSORB                        0x00000004
#define FWPS_INCOMING_FLAG_CONNECTION_FAILING_INDICATION 0x00000008
#define FWPS_INCOMING_FLAG_MID_STREAM_INSPECTION         0x00000010
#define FWPS_INCOMING_FLAG_RECLASSIFY                    0x00000020
#define FWPS_INCOMING_FLAG_IS_LOOSE_SOURCE_FLOW          0x00000040
#define FWPS_INCOMING_FLAG_IS_LOCAL_ONLY_FLOW            0x00000080

/* ---- the answer ---- */

/* In `rights`: while it is set, the action may be changed, by this callout and by lighter ones. */
#define FWPS_RIGHT_ACTION_WRITE 0x00000001

/* In `flags`. ABSORB goes with a block: it is no drop, and not reported. */
#define FWPS_CLASSIFY_OUT_FLAG_ABSORB                  0x00000001
#define FWPS_CLASSIFY_OUT_FLAG_BUFFER_LIMIT_REACHED    0x00000002
#define FWPS_CLASSIFY_OUT_FLAG_NO_MORE_DATA            0x00000004
#define FWPS_CLASSIFY_OUT_FLAG_ALE_FAST_CACHE_CHECK    0x00000008
#define FWPS_CLASSIFY_OUT_FLAG_ALE_FAST_CACHE_POSSIBLE 0x00000010

/* FWP_ACTION_NONE on entry; a callout without an opinion leaves it, or writes FWP_ACTION_CONTINUE.
 */
typedef struct FWPS_CLASSIFY_OUT0_ {
    FWP_ACTION_TYPE actionType;
    UINT64 outContext; /* the engine's */
    UINT64 filterId;   /* the engine's */
    UINT32 rights;
    UINT32 flags;
    UINT32 reserved;
} FWPS_CLASSIFY_OUT0;

/* ---- notifications ---- */

typedef enum FWPS_CALLOUT_NOTIFY_TYPE_ {
    FWPS_CALLOUT_NOTIFY_ADD_FILTER,
    FWPS_CALLOUT_NOTIFY_DELETE_FILTER,
    FWPS_CALLOUT_NOTIFY_ADD_FILTER_POST_COMMIT,
    FWPS_CALLOUT_NOTIFY_TYPE_MAX
} FWPS_CALLOUT_NOTIFY_TYPE;

#ifdef __cplusplus
}
#endif

#include <fwpvi.h>

#endif
