/*
 * The objects of the filtering platform: sessions, providers, provider contexts, sublayers,
 * layers, callouts, filters, net events; as on the Microsoft pages of the same names (header
 * fwpmtypes.h).
 *
 * In every object: displayData.name is required; a key of zeros asks the engine for a fresh one;
 * pointers may be NULL where "may be NULL" or nothing is required; providerData is the caller's own
 * and not looked into. Ids are the engine's and ignored on input. The policies of IPsec and IKE
 * are incomplete types: Linux's have other shapes, and objects that need them are refused with
 * ERROR_NOT_SUPPORTED.
 */
#ifndef OPENWFP_FWPMTYPES_H
#define OPENWFP_FWPMTYPES_H

#include <fwptypes.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct IPSEC_KEYING_POLICY0_ IPSEC_KEYING_POLICY0;
typedef struct IPSEC_KEYING_POLICY1_ IPSEC_KEYING_POLICY1;
typedef struct IPSEC_TRANSPORT_POLICY0_ IPSEC_TRANSPORT_POLICY0;
typedef struct IPSEC_TRANSPORT_POLICY1_ IPSEC_TRANSPORT_POLICY1;
typedef struct IPSEC_TRANSPORT_POLICY2_ IPSEC_TRANSPORT_POLICY2;
typedef struct IPSEC_TUNNEL_POLICY0_ IPSEC_TUNNEL_POLICY0;
typedef struct IPSEC_TUNNEL_POLICY1_ IPSEC_TUNNEL_POLICY1;
typedef struct IPSEC_TUNNEL_POLICY2_ IPSEC_TUNNEL_POLICY2;
typedef struct IPSEC_TUNNEL_POLICY3_ IPSEC_TUNNEL_POLICY3;
typedef struct IPSEC_DOSP_OPTIONS0_ IPSEC_DOSP_OPTIONS0;
typedef struct IKEEXT_POLICY0_ IKEEXT_POLICY0;
typedef struct IKEEXT_POLICY1_ IKEEXT_POLICY1;
typedef struct IKEEXT_POLICY2_ IKEEXT_POLICY2;
typedef UINT32 IPSEC_SA_SPI;

/* What a NET_LUID's and a link address's kind is called. */
typedef enum DL_ADDRESS_TYPE_ {
    DlUnicast,
    DlMulticast,
    DlBroadcast
} DL_ADDRESS_TYPE,
    *PDL_ADDRESS_TYPE;

/* ---- changes and subscriptions ---- */

typedef enum FWPM_CHANGE_TYPE_ {
    FWPM_CHANGE_ADD = 1,
    FWPM_CHANGE_DELETE,
    FWPM_CHANGE_TYPE_MAX
} FWPM_CHANGE_TYPE;

#define FWPM_SUBSCRIPTION_FLAG_NOTIFY_ON_ADD    0x00000001
#define FWPM_SUBSCRIPTION_FLAG_NOTIFY_ON_DELETE 0x00000002

/* ---- the engine ---- */

typedef enum FWPM_SERVICE_STATE_ {
    FWPM_SERVICE_STOPPED,
    FWPM_SERVICE_START_PENDING,
    FWPM_SERVICE_STOP_PENDING,
    FWPM_SERVICE_RUNNING,
    FWPM_SERVICE_STATE_MAX
} FWPM_SERVICE_STATE;

/* Bits of FWPM_ENGINE_NET_EVENT_MATCH_ANY_KEYWORDS: events that are not collected without. */
#define FWPM_NET_EVENT_KEYWORD_INBOUND_MCAST      0x00000001
#define FWPM_NET_EVENT_KEYWORD_INBOUND_BCAST      0x00000002
#define FWPM_NET_EVENT_KEYWORD_CAPABILITY_DROP    0x00000004
#define FWPM_NET_EVENT_KEYWORD_CAPABILITY_ALLOW   0x00000008
#define FWPM_NET_EVENT_KEYWORD_CLASSIFY_ALLOW     0x00000010
#define FWPM_NET_EVENT_KEYWORD_PORT_SCANNING_DROP 0x00000020

#define FWPM_ENGINE_OPTION_PACKET_QUEUE_NONE    0x00000000
#define FWPM_ENGINE_OPTION_PACKET_QUEUE_INBOUND 0x00000001
#define FWPM_ENGINE_OPTION_PACKET_QUEUE_FORWARD 0x00000002
#define FWPM_ENGINE_OPTION_PACKET_BATCH_INBOUND 0x00000004

/* All FWP_UINT32. */
typedef enum FWPM_ENGINE_OPTION_ {
    FWPM_ENGINE_COLLECT_NET_EVENTS, /* 0 or 1 */
    FWPM_ENGINE_NET_EVENT_MATCH_ANY_KEYWORDS,
    FWPM_ENGINE_NAME_CACHE,
    FWPM_ENGINE_MONITOR_IPSEC_CONNECTIONS,
    FWPM_ENGINE_PACKET_QUEUING,
    FWPM_ENGINE_TXN_WATCHDOG_TIMEOUT_IN_MSEC,
    FWPM_ENGINE_OPTION_MAX
} FWPM_ENGINE_OPTION;

/* ---- sessions ---- */

#define FWPM_SESSION_FLAG_DYNAMIC  0x00000001 /* its objects go when it ends */
#define FWPM_SESSION_FLAG_RESERVED 0x10000000

typedef struct FWPM_SESSION0_ {
    GUID sessionKey;
    FWPM_DISPLAY_DATA0 displayData; /* both may be NULL */
    UINT32 flags;
    UINT32 txnWaitTimeoutInMSec; /* 0: 15 s; INFINITE: for ever */
    DWORD processId;             /* from here on set by the engine */
    SID *sid;
    WCHAR *username;
    BOOL kernelMode;
} FWPM_SESSION0;

typedef struct FWPM_SESSION_ENUM_TEMPLATE0_ {
    UINT64 reserved;
} FWPM_SESSION_ENUM_TEMPLATE0;

/* ---- providers: who owns objects ---- */

#define FWPM_PROVIDER_FLAG_PERSISTENT 0x00000001
#define FWPM_PROVIDER_FLAG_DISABLED   0x00000010 /* output only */

typedef struct FWPM_PROVIDER0_ {
    GUID providerKey;
    FWPM_DISPLAY_DATA0 displayData;
    UINT32 flags;
    FWP_BYTE_BLOB providerData;
    WCHAR *serviceName; /* may be NULL */
} FWPM_PROVIDER0;

typedef struct FWPM_PROVIDER_ENUM_TEMPLATE0_ {
    UINT64 reserved;
} FWPM_PROVIDER_ENUM_TEMPLATE0;

typedef struct FWPM_PROVIDER_CHANGE0_ {
    FWPM_CHANGE_TYPE changeType;
    GUID providerKey;
} FWPM_PROVIDER_CHANGE0;

typedef struct FWPM_PROVIDER_SUBSCRIPTION0_ {
    FWPM_PROVIDER_ENUM_TEMPLATE0 *enumTemplate; /* NULL: all */
    UINT32 flags;                               /* FWPM_SUBSCRIPTION_FLAG_* */
    GUID sessionKey;                            /* output only */
} FWPM_PROVIDER_SUBSCRIPTION0;

/* ---- provider contexts: data that filters hand to their callouts ---- */

#define FWPM_PROVIDER_CONTEXT_FLAG_PERSISTENT 0x00000001
#define FWPM_PROVIDER_CONTEXT_FLAG_DOWNLEVEL  0x00000002

typedef struct FWPM_CLASSIFY_OPTION0_ {
    FWP_CLASSIFY_OPTION_TYPE type;
    FWP_VALUE0 value;
} FWPM_CLASSIFY_OPTION0;

typedef struct FWPM_CLASSIFY_OPTIONS0_ {
    UINT32 numOptions;
    FWPM_CLASSIFY_OPTION0 *options;
} FWPM_CLASSIFY_OPTIONS0;

typedef struct FWPM_NETWORK_CONNECTION_POLICY_SETTING0_ {
    FWP_NETWORK_CONNECTION_POLICY_SETTING_TYPE type;
    FWP_VALUE0 value;
} FWPM_NETWORK_CONNECTION_POLICY_SETTING0;

typedef struct FWPM_NETWORK_CONNECTION_POLICY_SETTINGS0_ {
    UINT32 numSettings;
    FWPM_NETWORK_CONNECTION_POLICY_SETTING0 *settings;
} FWPM_NETWORK_CONNECTION_POLICY_SETTINGS0;

typedef enum FWPM_PROVIDER_CONTEXT_TYPE_ {
    FWPM_IPSEC_KEYING_CONTEXT,
    FWPM_IPSEC_IKE_QM_TRANSPORT_CONTEXT,
    FWPM_IPSEC_IKE_QM_TUNNEL_CONTEXT,
    FWPM_IPSEC_AUTHIP_QM_TRANSPORT_CONTEXT,
    FWPM_IPSEC_AUTHIP_QM_TUNNEL_CONTEXT,
    FWPM_IPSEC_IKE_MM_CONTEXT,
    FWPM_IPSEC_AUTHIP_MM_CONTEXT,
    FWPM_CLASSIFY_OPTIONS_CONTEXT,
    FWPM_GENERAL_CONTEXT,
    FWPM_IPSEC_IKEV2_QM_TUNNEL_CONTEXT,
    FWPM_IPSEC_IKEV2_MM_CONTEXT,
    FWPM_IPSEC_DOSP_CONTEXT,
    FWPM_IPSEC_IKEV2_QM_TRANSPORT_CONTEXT,
    FWPM_NETWORK_CONNECTION_POLICY_CONTEXT,
    FWPM_PROVIDER_CONTEXT_TYPE_MAX
} FWPM_PROVIDER_CONTEXT_TYPE;

typedef struct FWPM_PROVIDER_CONTEXT0_ {
    GUID providerContextKey;
    FWPM_DISPLAY_DATA0 displayData;
    UINT32 flags;
    GUID *providerKey;
    FWP_BYTE_BLOB providerData;
    FWPM_PROVIDER_CONTEXT_TYPE type;
    union {
        IPSEC_KEYING_POLICY0 *keyingPolicy;
        IPSEC_TRANSPORT_POLICY0 *ikeQmTransportPolicy;
        IPSEC_TUNNEL_POLICY0 *ikeQmTunnelPolicy;
        IPSEC_TRANSPORT_POLICY0 *authipQmTransportPolicy;
        IPSEC_TUNNEL_POLICY0 *authipQmTunnelPolicy;
        IKEEXT_POLICY0 *ikeMmPolicy;
        IKEEXT_POLICY0 *authIpMmPolicy;
        FWP_BYTE_BLOB *dataBuffer;
        FWPM_CLASSIFY_OPTIONS0 *classifyOptions;
    };
    UINT64 providerContextId;
} FWPM_PROVIDER_CONTEXT0;

typedef struct FWPM_PROVIDER_CONTEXT1_ {
    GUID providerContextKey;
    FWPM_DISPLAY_DATA0 displayData;
    UINT32 flags;
    GUID *providerKey;
    FWP_BYTE_BLOB providerData;
    FWPM_PROVIDER_CONTEXT_TYPE type;
    union {
        IPSEC_KEYING_POLICY0 *keyingPolicy;
        IPSEC_TRANSPORT_POLICY1 *ikeQmTransportPolicy;
        IPSEC_TUNNEL_POLICY1 *ikeQmTunnelPolicy;
        IPSEC_TRANSPORT_POLICY1 *authipQmTransportPolicy;
        IPSEC_TUNNEL_POLICY1 *authipQmTunnelPolicy;
        IKEEXT_POLICY1 *ikeMmPolicy;
        IKEEXT_POLICY1 *authIpMmPolicy;
        FWP_BYTE_BLOB *dataBuffer;
        FWPM_CLASSIFY_OPTIONS0 *classifyOptions;
        IPSEC_TUNNEL_POLICY1 *ikeV2QmTunnelPolicy;
        IKEEXT_POLICY1 *ikeV2MmPolicy;
        IPSEC_DOSP_OPTIONS0 *idpOptions;
    };
    UINT64 providerContextId;
} FWPM_PROVIDER_CONTEXT1;

typedef struct FWPM_PROVIDER_CONTEXT2_ {
    GUID providerContextKey;
    FWPM_DISPLAY_DATA0 displayData;
    UINT32 flags;
    GUID *providerKey;
    FWP_BYTE_BLOB providerData;
    FWPM_PROVIDER_CONTEXT_TYPE type;
    union {
        IPSEC_KEYING_POLICY1 *keyingPolicy;
        IPSEC_TRANSPORT_POLICY2 *ikeQmTransportPolicy;
        IPSEC_TUNNEL_POLICY2 *ikeQmTunnelPolicy;
        IPSEC_TRANSPORT_POLICY2 *authipQmTransportPolicy;
        IPSEC_TUNNEL_POLICY2 *authipQmTunnelPolicy;
        IKEEXT_POLICY2 *ikeMmPolicy;
        IKEEXT_POLICY2 *authIpMmPolicy;
        FWP_BYTE_BLOB *dataBuffer;
        FWPM_CLASSIFY_OPTIONS0 *classifyOptions;
        IPSEC_TUNNEL_POLICY2 *ikeV2QmTunnelPolicy;
        IPSEC_TRANSPORT_POLICY2 *ikeV2QmTransportPolicy;
        IKEEXT_POLICY2 *ikeV2MmPolicy;
        IPSEC_DOSP_OPTIONS0 *idpOptions;
    };
    UINT64 providerContextId;
} FWPM_PROVIDER_CONTEXT2;

typedef struct FWPM_PROVIDER_CONTEXT3_ {
    GUID providerContextKey;
    FWPM_DISPLAY_DATA0 displayData;
    UINT32 flags;
    GUID *providerKey;
    FWP_BYTE_BLOB providerData;
    FWPM_PROVIDER_CONTEXT_TYPE type;
    union {
        IPSEC_KEYING_POLICY1 *keyingPolicy;
        IPSEC_TRANSPORT_POLICY2 *ikeQmTransportPolicy;
        IPSEC_TUNNEL_POLICY3 *ikeQmTunnelPolicy;
        IPSEC_TRANSPORT_POLICY2 *authipQmTransportPolicy;
        IPSEC_TUNNEL_POLICY3 *authipQmTunnelPolicy;
        IKEEXT_POLICY2 *ikeMmPolicy;
        IKEEXT_POLICY2 *authIpMmPolicy;
        FWP_BYTE_BLOB *dataBuffer;
        FWPM_CLASSIFY_OPTIONS0 *classifyOptions;
        IPSEC_TUNNEL_POLICY3 *ikeV2QmTunnelPolicy;
        IPSEC_TRANSPORT_POLICY2 *ikeV2QmTransportPolicy;
        IKEEXT_POLICY2 *ikeV2MmPolicy;
        IPSEC_DOSP_OPTIONS0 *idpOptions;
        FWPM_NETWORK_CONNECTION_POLICY_SETTINGS0 *networkConnectionPolicy;
    };
    UINT64 providerContextId;
} FWPM_PROVIDER_CONTEXT3;

typedef struct FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0_ {
    GUID *providerKey; /* NULL: of any provider and of none */
    FWPM_PROVIDER_CONTEXT_TYPE providerContextType;
} FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0;

typedef struct FWPM_PROVIDER_CONTEXT_CHANGE0_ {
    FWPM_CHANGE_TYPE changeType;
    GUID providerContextKey;
    UINT64 providerContextId;
} FWPM_PROVIDER_CONTEXT_CHANGE0;

typedef struct FWPM_PROVIDER_CONTEXT_SUBSCRIPTION0_ {
    FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0 *enumTemplate;
    UINT32 flags;
    GUID sessionKey;
} FWPM_PROVIDER_CONTEXT_SUBSCRIPTION0;

/* ---- sublayers: the order in which groups of filters are asked ---- */

#define FWPM_SUBLAYER_FLAG_PERSISTENT 0x00000001

typedef struct FWPM_SUBLAYER0_ {
    GUID subLayerKey;
    FWPM_DISPLAY_DATA0 displayData;
    UINT32 flags;
    GUID *providerKey;
    FWP_BYTE_BLOB providerData;
    UINT16 weight; /* heavier sublayers are asked first */
} FWPM_SUBLAYER0;

typedef struct FWPM_SUBLAYER_ENUM_TEMPLATE0_ {
    GUID *providerKey;
} FWPM_SUBLAYER_ENUM_TEMPLATE0;

typedef struct FWPM_SUBLAYER_CHANGE0_ {
    FWPM_CHANGE_TYPE changeType;
    GUID subLayerKey;
} FWPM_SUBLAYER_CHANGE0;

typedef struct FWPM_SUBLAYER_SUBSCRIPTION0_ {
    FWPM_SUBLAYER_ENUM_TEMPLATE0 *enumTemplate;
    UINT32 flags;
    GUID sessionKey;
} FWPM_SUBLAYER_SUBSCRIPTION0;

/* ---- layers: where in the network stack filters are asked ---- */

#define FWPM_LAYER_FLAG_KERNEL          0x00000001
#define FWPM_LAYER_FLAG_BUILTIN         0x00000002
#define FWPM_LAYER_FLAG_CLASSIFY_MOSTLY 0x00000004
#define FWPM_LAYER_FLAG_BUFFERED        0x00000008

typedef enum FWPM_FIELD_TYPE_ {
    FWPM_FIELD_RAW_DATA,
    FWPM_FIELD_IP_ADDRESS,
    FWPM_FIELD_FLAGS,
    FWPM_FIELD_TYPE_MAX
} FWPM_FIELD_TYPE;

typedef struct FWPM_FIELD0_ {
    GUID *fieldKey; /* FWPM_CONDITION_* */
    FWPM_FIELD_TYPE type;
    FWP_DATA_TYPE dataType; /* what is classified; see docs/layers.md for what a filter gives */
} FWPM_FIELD0;

typedef struct FWPM_LAYER0_ {
    GUID layerKey;
    FWPM_DISPLAY_DATA0 displayData;
    UINT32 flags;
    UINT32 numFields;
    FWPM_FIELD0 *field;
    GUID defaultSubLayerKey;
    UINT16 layerId; /* FWPS_LAYER_* */
} FWPM_LAYER0;

typedef struct FWPM_LAYER_ENUM_TEMPLATE0_ {
    UINT64 reserved;
} FWPM_LAYER_ENUM_TEMPLATE0;

/* ---- callouts: names for code that decides ---- */

#define FWPM_CALLOUT_FLAG_PERSISTENT            0x00010000
#define FWPM_CALLOUT_FLAG_USES_PROVIDER_CONTEXT 0x00020000
#define FWPM_CALLOUT_FLAG_REGISTERED            0x00040000 /* output only */

typedef struct FWPM_CALLOUT0_ {
    GUID calloutKey;
    FWPM_DISPLAY_DATA0 displayData;
    UINT32 flags;
    GUID *providerKey;
    FWP_BYTE_BLOB providerData;
    GUID applicableLayer;
    UINT32 calloutId;
} FWPM_CALLOUT0;

typedef struct FWPM_CALLOUT_ENUM_TEMPLATE0_ {
    GUID *providerKey;
    GUID layerKey;
} FWPM_CALLOUT_ENUM_TEMPLATE0;

typedef struct FWPM_CALLOUT_CHANGE0_ {
    FWPM_CHANGE_TYPE changeType;
    GUID calloutKey;
    UINT32 calloutId;
} FWPM_CALLOUT_CHANGE0;

typedef struct FWPM_CALLOUT_SUBSCRIPTION0_ {
    FWPM_CALLOUT_ENUM_TEMPLATE0 *enumTemplate;
    UINT32 flags;
    GUID sessionKey;
} FWPM_CALLOUT_SUBSCRIPTION0;

/* ---- filters ---- */

typedef struct FWPM_ACTION0_ {
    FWP_ACTION_TYPE type;
    union {
        GUID filterType; /* the caller's own, for PERMIT and BLOCK */
        GUID calloutKey; /* for CALLOUT_* */
    };
} FWPM_ACTION0;

typedef struct FWPM_FILTER_CONDITION0_ {
    GUID fieldKey;
    FWP_MATCH_TYPE matchType;
    FWP_CONDITION_VALUE0 conditionValue;
} FWPM_FILTER_CONDITION0;

#define FWPM_FILTER_FLAG_NONE                                0x00000000
#define FWPM_FILTER_FLAG_PERSISTENT                          0x00000001
#define FWPM_FILTER_FLAG_BOOTTIME                            0x00000002
#define FWPM_FILTER_FLAG_HAS_PROVIDER_CONTEXT                0x00000004
#define FWPM_FILTER_FLAG_CLEAR_ACTION_RIGHT                  0x00000008
#define FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED      0x00000010
#define FWPM_FILTER_FLAG_DISABLED                            0x00000020 /* output only */
#define FWPM_FILTER_FLAG_INDEXED                             0x00000040 /* output only */
#define FWPM_FILTER_FLAG_HAS_SECURITY_REALM_PROVIDER_CONTEXT 0x00000080
#define FWPM_FILTER_FLAG_SYSTEMOS_ONLY                       0x00000100
#define FWPM_FILTER_FLAG_GAMEOS_ONLY                         0x00000200
#define FWPM_FILTER_FLAG_SILENT_MODE                         0x00000400
#define FWPM_FILTER_FLAG_IPSEC_NO_ACQUIRE_INITIATE           0x00000800
#define FWPM_FILTER_FLAG_RESERVED0                           0x00001000
#define FWPM_FILTER_FLAG_RESERVED1                           0x00002000
#define FWPM_FILTER_FLAG_RESERVED2                           0x00004000

/*
 * All conditions must hold, but of several on the same field, which stand next to each other, one
 * is enough. No condition: everything matches.
 */
typedef struct FWPM_FILTER0_ {
    GUID filterKey;
    FWPM_DISPLAY_DATA0 displayData;
    UINT32 flags;
    GUID *providerKey;
    FWP_BYTE_BLOB providerData;
    GUID layerKey;
    GUID subLayerKey;  /* zeros: the layer's default sublayer */
    FWP_VALUE0 weight; /* FWP_UINT64; FWP_UINT8 0 to 15: a range; FWP_EMPTY: by the conditions */
    UINT32 numFilterConditions;
    FWPM_FILTER_CONDITION0 *filterCondition;
    FWPM_ACTION0 action;
    union {
        UINT64 rawContext;       /* for the callout */
        GUID providerContextKey; /* with FWPM_FILTER_FLAG_HAS_PROVIDER_CONTEXT */
    };
    GUID *reserved; /* NULL */
    UINT64 filterId;
    FWP_VALUE0 effectiveWeight; /* output only, FWP_UINT64 */
} FWPM_FILTER0;

typedef struct FWPM_FILTER_ENUM_TEMPLATE0_ {
    GUID *providerKey; /* NULL: of any provider and of none */
    GUID layerKey;     /* zeros: at any layer */
    FWP_FILTER_ENUM_TYPE enumType;
    UINT32 flags; /* FWP_FILTER_ENUM_FLAG_* */
    FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0 *providerContextTemplate;
    UINT32 numFilterConditions;
    FWPM_FILTER_CONDITION0 *filterCondition; /* each field once */
    UINT32 actionMask;                       /* any common bit with the action type */
    GUID *calloutKey;
} FWPM_FILTER_ENUM_TEMPLATE0;

typedef struct FWPM_FILTER_CHANGE0_ {
    FWPM_CHANGE_TYPE changeType;
    GUID filterKey;
    UINT64 filterId;
} FWPM_FILTER_CHANGE0;

typedef struct FWPM_FILTER_SUBSCRIPTION0_ {
    FWPM_FILTER_ENUM_TEMPLATE0 *enumTemplate;
    UINT32 flags;
    GUID sessionKey;
} FWPM_FILTER_SUBSCRIPTION0;

/* ---- statistics ---- */

typedef struct FWPM_LAYER_STATISTICS0_ {
    GUID layerId;
    UINT32 classifyPermitCount;
    UINT32 classifyBlockCount;
    UINT32 classifyVetoCount;
    UINT32 numCacheEntries;
} FWPM_LAYER_STATISTICS0;

typedef struct FWPM_LAYER_STATISTICS1_ {
    GUID layerId;
    UINT32 classifyPermitCount;
    UINT32 classifyBlockCount;
    UINT32 classifyVetoCount;
    UINT32 numCacheEntries;
    UINT32 filterCount;
    UINT32 totalFilterSize;
} FWPM_LAYER_STATISTICS1;

#define OPENWFP_STATISTICS(LAYER_STATISTICS)                                                       \
    UINT32 numLayerStatistics;                                                                     \
    LAYER_STATISTICS *layerStatistics;                                                             \
    UINT32 inboundAllowedConnectionsV4;                                                            \
    UINT32 inboundBlockedConnectionsV4;                                                            \
    UINT32 outboundAllowedConnectionsV4;                                                           \
    UINT32 outboundBlockedConnectionsV4;                                                           \
    UINT32 inboundAllowedConnectionsV6;                                                            \
    UINT32 inboundBlockedConnectionsV6;                                                            \
    UINT32 outboundAllowedConnectionsV6;                                                           \
    UINT32 outboundBlockedConnectionsV6;                                                           \
    UINT32 inboundActiveConnectionsV4;                                                             \
    UINT32 outboundActiveConnectionsV4;                                                            \
    UINT32 inboundActiveConnectionsV6;                                                             \
    UINT32 outboundActiveConnectionsV6;                                                            \
    UINT64 reauthDirInbound;                                                                       \
    UINT64 reauthDirOutbound;                                                                      \
    UINT64 reauthFamilyV4;                                                                         \
    UINT64 reauthFamilyV6;                                                                         \
    UINT64 reauthProtoOther;                                                                       \
    UINT64 reauthProtoIPv4;                                                                        \
    UINT64 reauthProtoIPv6;                                                                        \
    UINT64 reauthProtoICMP;                                                                        \
    UINT64 reauthProtoICMP6;                                                                       \
    UINT64 reauthProtoUDP;                                                                         \
    UINT64 reauthProtoTCP;                                                                         \
    UINT64 reauthReasonPolicyChange;                                                               \
    UINT64 reauthReasonNewArrivalInterface;                                                        \
    UINT64 reauthReasonNewNextHopInterface;                                                        \
    UINT64 reauthReasonProfileCrossing;                                                            \
    UINT64 reauthReasonClassifyCompletion;                                                         \
    UINT64 reauthReasonIPSecPropertiesChanged;                                                     \
    UINT64 reauthReasonMidStreamInspection;                                                        \
    UINT64 reauthReasonSocketPropertyChanged;                                                      \
    UINT64 reauthReasonNewInboundMCastBCastPacket;                                                 \
    UINT64 reauthReasonEDPPolicyChanged;                                                           \
    UINT64 reauthReasonProxyHandleChanged;

typedef struct FWPM_STATISTICS0_ {
    OPENWFP_STATISTICS(FWPM_LAYER_STATISTICS0)
} FWPM_STATISTICS0;

typedef struct FWPM_STATISTICS1_ {
    OPENWFP_STATISTICS(FWPM_LAYER_STATISTICS1)
} FWPM_STATISTICS1;

#undef OPENWFP_STATISTICS

/* ---- net events ---- */

/* Which members of a FWPM_NET_EVENT_HEADER* are filled in. */
#define FWPM_NET_EVENT_FLAG_IP_PROTOCOL_SET    0x00000001
#define FWPM_NET_EVENT_FLAG_LOCAL_ADDR_SET     0x00000002
#define FWPM_NET_EVENT_FLAG_REMOTE_ADDR_SET    0x00000004
#define FWPM_NET_EVENT_FLAG_LOCAL_PORT_SET     0x00000008
#define FWPM_NET_EVENT_FLAG_REMOTE_PORT_SET    0x00000010
#define FWPM_NET_EVENT_FLAG_APP_ID_SET         0x00000020
#define FWPM_NET_EVENT_FLAG_USER_ID_SET        0x00000040
#define FWPM_NET_EVENT_FLAG_SCOPE_ID_SET       0x00000080
#define FWPM_NET_EVENT_FLAG_IP_VERSION_SET     0x00000100
#define FWPM_NET_EVENT_FLAG_REAUTH_REASON_SET  0x00000200
#define FWPM_NET_EVENT_FLAG_PACKAGE_ID_SET     0x00000400
#define FWPM_NET_EVENT_FLAG_ENTERPRISE_ID_SET  0x00000800
#define FWPM_NET_EVENT_FLAG_POLICY_FLAGS_SET   0x00001000
#define FWPM_NET_EVENT_FLAG_EFFECTIVE_NAME_SET 0x00002000

/* Addresses and ports in host order, IPv6 addresses in network order; ICMP: type, code as ports. */
typedef struct FWPM_NET_EVENT_HEADER0_ {
    FILETIME timeStamp;
    UINT32 flags; /* FWPM_NET_EVENT_FLAG_* */
    FWP_IP_VERSION ipVersion;
    UINT8 ipProtocol;
    union {
        UINT32 localAddrV4;
        FWP_BYTE_ARRAY16 localAddrV6;
    };
    union {
        UINT32 remoteAddrV4;
        FWP_BYTE_ARRAY16 remoteAddrV6;
    };
    UINT16 localPort;
    UINT16 remotePort;
    UINT32 scopeId;
    FWP_BYTE_BLOB appId;
    SID *userId;
} FWPM_NET_EVENT_HEADER0;

typedef struct FWPM_NET_EVENT_HEADER1_ {
    FILETIME timeStamp;
    UINT32 flags;
    FWP_IP_VERSION ipVersion;
    UINT8 ipProtocol;
    union {
        UINT32 localAddrV4;
        FWP_BYTE_ARRAY16 localAddrV6;
    };
    union {
        UINT32 remoteAddrV4;
        FWP_BYTE_ARRAY16 remoteAddrV6;
    };
    UINT16 localPort;
    UINT16 remotePort;
    UINT32 scopeId;
    FWP_BYTE_BLOB appId;
    SID *userId;
    union {
        struct {
            FWP_AF reserved1;
            union {
                struct {
                    FWP_BYTE_ARRAY6 reserved2;
                    FWP_BYTE_ARRAY6 reserved3;
                    UINT32 reserved4;
                    UINT32 reserved5;
                    UINT16 reserved6;
                    UINT32 reserved7;
                    UINT32 reserved8;
                    UINT16 reserved9;
                    UINT64 reserved10;
                };
            };
        };
    };
} FWPM_NET_EVENT_HEADER1;

typedef struct FWPM_NET_EVENT_HEADER2_ {
    FILETIME timeStamp;
    UINT32 flags;
    FWP_IP_VERSION ipVersion;
    UINT8 ipProtocol;
    union {
        UINT32 localAddrV4;
        FWP_BYTE_ARRAY16 localAddrV6;
    };
    union {
        UINT32 remoteAddrV4;
        FWP_BYTE_ARRAY16 remoteAddrV6;
    };
    UINT16 localPort;
    UINT16 remotePort;
    UINT32 scopeId;
    FWP_BYTE_BLOB appId;
    SID *userId;
    FWP_AF addressFamily;
    SID *packageSid;
} FWPM_NET_EVENT_HEADER2;

typedef struct FWPM_NET_EVENT_HEADER3_ {
    FILETIME timeStamp;
    UINT32 flags;
    FWP_IP_VERSION ipVersion;
    UINT8 ipProtocol;
    union {
        UINT32 localAddrV4;
        FWP_BYTE_ARRAY16 localAddrV6;
    };
    union {
        UINT32 remoteAddrV4;
        FWP_BYTE_ARRAY16 remoteAddrV6;
    };
    UINT16 localPort;
    UINT16 remotePort;
    UINT32 scopeId;
    FWP_BYTE_BLOB appId;
    SID *userId;
    FWP_AF addressFamily;
    SID *packageSid;
    WCHAR *enterpriseId;
    UINT64 policyFlags;
    FWP_BYTE_BLOB effectiveName;
} FWPM_NET_EVENT_HEADER3;

typedef enum FWPM_NET_EVENT_TYPE_ {
    FWPM_NET_EVENT_TYPE_IKEEXT_MM_FAILURE,
    FWPM_NET_EVENT_TYPE_IKEEXT_QM_FAILURE,
    FWPM_NET_EVENT_TYPE_IKEEXT_EM_FAILURE,
    FWPM_NET_EVENT_TYPE_CLASSIFY_DROP,
    FWPM_NET_EVENT_TYPE_IPSEC_KERNEL_DROP,
    FWPM_NET_EVENT_TYPE_IPSEC_DOSP_DROP,
    FWPM_NET_EVENT_TYPE_CLASSIFY_ALLOW,
    FWPM_NET_EVENT_TYPE_CAPABILITY_DROP,
    FWPM_NET_EVENT_TYPE_CAPABILITY_ALLOW,
    FWPM_NET_EVENT_TYPE_CLASSIFY_DROP_MAC,
    FWPM_NET_EVENT_TYPE_LPM_PACKET_ARRIVAL,
    FWPM_NET_EVENT_TYPE_MAX
} FWPM_NET_EVENT_TYPE;

typedef struct FWPM_NET_EVENT_IKEEXT_MM_FAILURE0_ FWPM_NET_EVENT_IKEEXT_MM_FAILURE0;
typedef struct FWPM_NET_EVENT_IKEEXT_MM_FAILURE1_ FWPM_NET_EVENT_IKEEXT_MM_FAILURE1;
typedef struct FWPM_NET_EVENT_IKEEXT_MM_FAILURE2_ FWPM_NET_EVENT_IKEEXT_MM_FAILURE2;
typedef struct FWPM_NET_EVENT_IKEEXT_QM_FAILURE0_ FWPM_NET_EVENT_IKEEXT_QM_FAILURE0;
typedef struct FWPM_NET_EVENT_IKEEXT_QM_FAILURE1_ FWPM_NET_EVENT_IKEEXT_QM_FAILURE1;
typedef struct FWPM_NET_EVENT_IKEEXT_EM_FAILURE0_ FWPM_NET_EVENT_IKEEXT_EM_FAILURE0;
typedef struct FWPM_NET_EVENT_IKEEXT_EM_FAILURE1_ FWPM_NET_EVENT_IKEEXT_EM_FAILURE1;

typedef struct FWPM_NET_EVENT_CLASSIFY_DROP0_ {
    UINT64 filterId; /* whose block stood */
    UINT16 layerId;  /* FWPS_LAYER_* */
} FWPM_NET_EVENT_CLASSIFY_DROP0;

typedef struct FWPM_NET_EVENT_CLASSIFY_DROP1_ {
    UINT64 filterId;
    UINT16 layerId;
    UINT32 reauthReason; /* FWP_CONDITION_REAUTHORIZE_REASON_* */
    UINT32 originalProfile;
    UINT32 currentProfile;
    UINT32 msFwpDirection; /* FWP_DIRECTION */
    BOOL isLoopback;
} FWPM_NET_EVENT_CLASSIFY_DROP1;

typedef struct FWPM_NET_EVENT_CLASSIFY_DROP2_ {
    UINT64 filterId;
    UINT16 layerId;
    UINT32 reauthReason;
    UINT32 originalProfile;
    UINT32 currentProfile;
    UINT32 msFwpDirection;
    BOOL isLoopback;
    FWP_BYTE_BLOB vSwitchId;
    UINT32 vSwitchSourcePort;
    UINT32 vSwitchDestinationPort;
} FWPM_NET_EVENT_CLASSIFY_DROP2;

typedef struct FWPM_NET_EVENT_CLASSIFY_DROP_MAC0_ {
    FWP_BYTE_ARRAY6 localMacAddr;
    FWP_BYTE_ARRAY6 remoteMacAddr;
    UINT32 mediaType;
    UINT32 ifType;
    UINT16 etherType;
    UINT32 ndisPortNumber;
    UINT32 reserved;
    UINT16 vlanTag;
    UINT64 ifLuid;
    UINT64 filterId;
    UINT16 layerId;
    UINT32 reauthReason;
    UINT32 originalProfile;
    UINT32 currentProfile;
    UINT32 msFwpDirection;
    BOOL isLoopback;
    FWP_BYTE_BLOB vSwitchId;
    UINT32 vSwitchSourcePort;
    UINT32 vSwitchDestinationPort;
} FWPM_NET_EVENT_CLASSIFY_DROP_MAC0;

typedef struct FWPM_NET_EVENT_CLASSIFY_ALLOW0_ {
    UINT64 filterId; /* whose permit stood; 0: no filter matched */
    UINT16 layerId;
    UINT32 reauthReason;
    UINT32 originalProfile;
    UINT32 currentProfile;
    UINT32 msFwpDirection;
    BOOL isLoopback;
} FWPM_NET_EVENT_CLASSIFY_ALLOW0;

typedef struct FWPM_NET_EVENT_IPSEC_KERNEL_DROP0_ {
    INT32 failureStatus;
    FWP_DIRECTION direction;
    IPSEC_SA_SPI spi;
    UINT64 filterId;
    UINT16 layerId;
} FWPM_NET_EVENT_IPSEC_KERNEL_DROP0;

typedef struct FWPM_NET_EVENT_IPSEC_DOSP_DROP0_ {
    FWP_IP_VERSION ipVersion;
    union {
        UINT32 publicHostV4Addr;
        UINT8 publicHostV6Addr[16];
    };
    union {
        UINT32 internalHostV4Addr;
        UINT8 internalHostV6Addr[16];
    };
    INT32 failureStatus;
    FWP_DIRECTION direction;
} FWPM_NET_EVENT_IPSEC_DOSP_DROP0;

typedef enum FWPM_APPC_NETWORK_CAPABILITY_TYPE_ {
    FWPM_APPC_NETWORK_CAPABILITY_INTERNET_CLIENT,
    FWPM_APPC_NETWORK_CAPABILITY_INTERNET_CLIENT_SERVER,
    FWPM_APPC_NETWORK_CAPABILITY_INTERNET_PRIVATE_NETWORK
} FWPM_APPC_NETWORK_CAPABILITY_TYPE;

typedef struct FWPM_NET_EVENT_CAPABILITY_DROP0_ {
    FWPM_APPC_NETWORK_CAPABILITY_TYPE networkCapabilityId;
    UINT64 filterId;
    BOOL isLoopback;
} FWPM_NET_EVENT_CAPABILITY_DROP0;

typedef struct FWPM_NET_EVENT_CAPABILITY_ALLOW0_ {
    FWPM_APPC_NETWORK_CAPABILITY_TYPE networkCapabilityId;
    UINT64 filterId;
    BOOL isLoopback;
} FWPM_NET_EVENT_CAPABILITY_ALLOW0;

typedef struct FWPM_NET_EVENT_LPM_PACKET_ARRIVAL0_ {
    IPSEC_SA_SPI spi;
} FWPM_NET_EVENT_LPM_PACKET_ARRIVAL0;

/* `type` says which pointer counts. OpenWFP makes CLASSIFY_DROP and, from version 2, _ALLOW. */
typedef struct FWPM_NET_EVENT0_ {
    FWPM_NET_EVENT_HEADER0 header;
    FWPM_NET_EVENT_TYPE type;
    union {
        FWPM_NET_EVENT_IKEEXT_MM_FAILURE0 *ikeMmFailure;
        FWPM_NET_EVENT_IKEEXT_QM_FAILURE0 *ikeQmFailure;
        FWPM_NET_EVENT_IKEEXT_EM_FAILURE0 *ikeEmFailure;
        FWPM_NET_EVENT_CLASSIFY_DROP0 *classifyDrop;
        FWPM_NET_EVENT_IPSEC_KERNEL_DROP0 *ipsecDrop;
        FWPM_NET_EVENT_IPSEC_DOSP_DROP0 *idpDrop;
    };
} FWPM_NET_EVENT0;

typedef struct FWPM_NET_EVENT1_ {
    FWPM_NET_EVENT_HEADER1 header;
    FWPM_NET_EVENT_TYPE type;
    union {
        FWPM_NET_EVENT_IKEEXT_MM_FAILURE1 *ikeMmFailure;
        FWPM_NET_EVENT_IKEEXT_QM_FAILURE0 *ikeQmFailure;
        FWPM_NET_EVENT_IKEEXT_EM_FAILURE1 *ikeEmFailure;
        FWPM_NET_EVENT_CLASSIFY_DROP1 *classifyDrop;
        FWPM_NET_EVENT_IPSEC_KERNEL_DROP0 *ipsecDrop;
        FWPM_NET_EVENT_IPSEC_DOSP_DROP0 *idpDrop;
    };
} FWPM_NET_EVENT1;

typedef struct FWPM_NET_EVENT2_ {
    FWPM_NET_EVENT_HEADER2 header;
    FWPM_NET_EVENT_TYPE type;
    union {
        FWPM_NET_EVENT_IKEEXT_MM_FAILURE1 *ikeMmFailure;
        FWPM_NET_EVENT_IKEEXT_QM_FAILURE0 *ikeQmFailure;
        FWPM_NET_EVENT_IKEEXT_EM_FAILURE1 *ikeEmFailure;
        FWPM_NET_EVENT_CLASSIFY_DROP2 *classifyDrop;
        FWPM_NET_EVENT_IPSEC_KERNEL_DROP0 *ipsecDrop;
        FWPM_NET_EVENT_IPSEC_DOSP_DROP0 *idpDrop;
        FWPM_NET_EVENT_CLASSIFY_ALLOW0 *classifyAllow;
        FWPM_NET_EVENT_CAPABILITY_DROP0 *capabilityDrop;
        FWPM_NET_EVENT_CAPABILITY_ALLOW0 *capabilityAllow;
        FWPM_NET_EVENT_CLASSIFY_DROP_MAC0 *classifyDropMac;
    };
} FWPM_NET_EVENT2;

typedef struct FWPM_NET_EVENT3_ {
    FWPM_NET_EVENT_HEADER3 header;
    FWPM_NET_EVENT_TYPE type;
    union {
        FWPM_NET_EVENT_IKEEXT_MM_FAILURE1 *ikeMmFailure;
        FWPM_NET_EVENT_IKEEXT_QM_FAILURE0 *ikeQmFailure;
        FWPM_NET_EVENT_IKEEXT_EM_FAILURE1 *ikeEmFailure;
        FWPM_NET_EVENT_CLASSIFY_DROP2 *classifyDrop;
        FWPM_NET_EVENT_IPSEC_KERNEL_DROP0 *ipsecDrop;
        FWPM_NET_EVENT_IPSEC_DOSP_DROP0 *idpDrop;
        FWPM_NET_EVENT_CLASSIFY_ALLOW0 *classifyAllow;
        FWPM_NET_EVENT_CAPABILITY_DROP0 *capabilityDrop;
        FWPM_NET_EVENT_CAPABILITY_ALLOW0 *capabilityAllow;
        FWPM_NET_EVENT_CLASSIFY_DROP_MAC0 *classifyDropMac;
    };
} FWPM_NET_EVENT3;

typedef struct FWPM_NET_EVENT4_ {
    FWPM_NET_EVENT_HEADER3 header;
    FWPM_NET_EVENT_TYPE type;
    union {
        FWPM_NET_EVENT_IKEEXT_MM_FAILURE2 *ikeMmFailure;
        FWPM_NET_EVENT_IKEEXT_QM_FAILURE1 *ikeQmFailure;
        FWPM_NET_EVENT_IKEEXT_EM_FAILURE1 *ikeEmFailure;
        FWPM_NET_EVENT_CLASSIFY_DROP2 *classifyDrop;
        FWPM_NET_EVENT_IPSEC_KERNEL_DROP0 *ipsecDrop;
        FWPM_NET_EVENT_IPSEC_DOSP_DROP0 *idpDrop;
        FWPM_NET_EVENT_CLASSIFY_ALLOW0 *classifyAllow;
        FWPM_NET_EVENT_CAPABILITY_DROP0 *capabilityDrop;
        FWPM_NET_EVENT_CAPABILITY_ALLOW0 *capabilityAllow;
        FWPM_NET_EVENT_CLASSIFY_DROP_MAC0 *classifyDropMac;
    };
} FWPM_NET_EVENT4;

typedef struct FWPM_NET_EVENT5_ {
    FWPM_NET_EVENT_HEADER3 header;
    FWPM_NET_EVENT_TYPE type;
    union {
        FWPM_NET_EVENT_IKEEXT_MM_FAILURE2 *ikeMmFailure;
        FWPM_NET_EVENT_IKEEXT_QM_FAILURE1 *ikeQmFailure;
        FWPM_NET_EVENT_IKEEXT_EM_FAILURE1 *ikeEmFailure;
        FWPM_NET_EVENT_CLASSIFY_DROP2 *classifyDrop;
        FWPM_NET_EVENT_IPSEC_KERNEL_DROP0 *ipsecDrop;
        FWPM_NET_EVENT_IPSEC_DOSP_DROP0 *idpDrop;
        FWPM_NET_EVENT_CLASSIFY_ALLOW0 *classifyAllow;
        FWPM_NET_EVENT_CAPABILITY_DROP0 *capabilityDrop;
        FWPM_NET_EVENT_CAPABILITY_ALLOW0 *capabilityAllow;
        FWPM_NET_EVENT_CLASSIFY_DROP_MAC0 *classifyDropMac;
        FWPM_NET_EVENT_LPM_PACKET_ARRIVAL0 *lpmPacketArrival;
    };
} FWPM_NET_EVENT5;

/* Both times zero: any time. Conditions as on the page of FWPM_NET_EVENT_ENUM_TEMPLATE0. */
typedef struct FWPM_NET_EVENT_ENUM_TEMPLATE0_ {
    FILETIME startTime;
    FILETIME endTime;
    UINT32 numFilterConditions;
    FWPM_FILTER_CONDITION0 *filterCondition;
} FWPM_NET_EVENT_ENUM_TEMPLATE0;

typedef struct FWPM_NET_EVENT_SUBSCRIPTION0_ {
    FWPM_NET_EVENT_ENUM_TEMPLATE0 *enumTemplate;
    UINT32 flags; /* 0 */
    GUID sessionKey;
} FWPM_NET_EVENT_SUBSCRIPTION0;

/* ---- system ports ---- */

typedef enum FWPM_SYSTEM_PORT_TYPE_ {
    FWPM_SYSTEM_PORT_RPC_EPMAP,
    FWPM_SYSTEM_PORT_TEREDO,
    FWPM_SYSTEM_PORT_IPHTTPS_IN,
    FWPM_SYSTEM_PORT_IPHTTPS_OUT,
    FWPM_SYSTEM_PORT_TYPE_MAX
} FWPM_SYSTEM_PORT_TYPE;

typedef struct FWPM_SYSTEM_PORTS_BY_TYPE0_ {
    FWPM_SYSTEM_PORT_TYPE type;
    UINT32 numPorts;
    UINT16 *ports;
} FWPM_SYSTEM_PORTS_BY_TYPE0;

typedef struct FWPM_SYSTEM_PORTS0_ {
    UINT32 numTypes;
    FWPM_SYSTEM_PORTS_BY_TYPE0 *types;
} FWPM_SYSTEM_PORTS0;

#ifdef __cplusplus
}
#endif

#endif
