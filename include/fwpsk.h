/*
 * The callout API: what a callout driver registers, is called with, and calls. A driver is a shared
 * object with a DriverEntry (wdk/ntddk.h), in a host process of its own; it is compiled with
 * -fshort-wchar and linked with libfwpkclnt.
 *
 * A function does what the Microsoft page of its name says ("FwpsPendOperation0 function"); what is
 * written here is what is needed to call it, and where Linux differs. What holds for all of them:
 * - Results are NTSTATUS: test with NT_SUCCESS. Any of them can return STATUS_FWP_NULL_POINTER (a
 *   required pointer is NULL), STATUS_INSUFFICIENT_RESOURCES (out of memory) and
 *   STATUS_DEVICE_NOT_READY (the engine is gone; the host is about to unload the driver).
 * - They may be called from any thread. IRQL names when Windows lets them be called; on Linux all
 *   code runs at PASSIVE_LEVEL, and a classify function may block: it delays its own operation, and
 *   when all of the host's classify threads block, those behind it, until the engine's patience
 *   ends and the filter's flags decide.
 * - IPv4 addresses and ports in fields are numbers in host order, IPv6 addresses 16 bytes in
 * network order. Addresses handed to injection functions are in network order.
 * - A wrong use that Windows answers with a crash (a second completion, a handle that was freed) is
 *   refused and logged on standard error.
 */
#ifndef OPENWFP_FWPSK_H
#define OPENWFP_FWPSK_H

#include <fwpsu.h>
#include <nbl.h>
#include <ntddk.h>
#include <ws2def.h>

#include <fwpstypes.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- metadata: bits of currentMetadataValues, which members are there ---- */

#define FWPS_METADATA_FIELD_DISCARD_REASON                   0x00000001
#define FWPS_METADATA_FIELD_FLOW_HANDLE                      0x00000002
#define FWPS_METADATA_FIELD_IP_HEADER_SIZE                   0x00000004
#define FWPS_METADATA_FIELD_PROCESS_PATH                     0x00000008
#define FWPS_METADATA_FIELD_TOKEN                            0x00000010
#define FWPS_METADATA_FIELD_PROCESS_ID                       0x00000020
#define FWPS_METADATA_FIELD_SYSTEM_FLAGS                     0x00000040
#define FWPS_METADATA_FIELD_RESERVED                         0x00000080
#define FWPS_METADATA_FIELD_SOURCE_INTERFACE_INDEX           0x00000100
#define FWPS_METADATA_FIELD_DESTINATION_INTERFACE_INDEX      0x00000200
#define FWPS_METADATA_FIELD_TRANSPORT_HEADER_SIZE            0x00000400
#define FWPS_METADATA_FIELD_COMPARTMENT_ID                   0x00000800
#define FWPS_METADATA_FIELD_FRAGMENT_DATA                    0x00001000
#define FWPS_METADATA_FIELD_PATH_MTU                         0x00002000
#define FWPS_METADATA_FIELD_COMPLETION_HANDLE                0x00004000
#define FWPS_METADATA_FIELD_TRANSPORT_ENDPOINT_HANDLE        0x00008000
#define FWPS_METADATA_FIELD_TRANSPORT_CONTROL_DATA           0x00010000
#define FWPS_METADATA_FIELD_REMOTE_SCOPE_ID                  0x00020000
#define FWPS_METADATA_FIELD_PACKET_DIRECTION                 0x00040000
#define FWPS_METADATA_FIELD_PACKET_SYSTEM_CRITICAL           0x00080000
#define FWPS_METADATA_FIELD_FORWARD_LAYER_OUTBOUND_PASS_THRU 0x00100000
#define FWPS_METADATA_FIELD_FORWARD_LAYER_INBOUND_PASS_THRU  0x00200000
#define FWPS_METADATA_FIELD_ALE_CLASSIFY_REQUIRED            0x00400000
#define FWPS_METADATA_FIELD_TRANSPORT_HEADER_INCLUDE_HEADER  0x00800000
#define FWPS_METADATA_FIELD_DESTINATION_PREFIX               0x01000000
#define FWPS_METADATA_FIELD_ETHER_FRAME_LENGTH               0x02000000
#define FWPS_METADATA_FIELD_PARENT_ENDPOINT_HANDLE           0x04000000
#define FWPS_METADATA_FIELD_ICMP_ID_AND_SEQUENCE             0x08000000
#define FWPS_METADATA_FIELD_LOCAL_REDIRECT_TARGET_PID        0x10000000
#define FWPS_METADATA_FIELD_ORIGINAL_DESTINATION             0x20000000
#define FWPS_METADATA_FIELD_REDIRECT_RECORD_HANDLE           0x40000000
#define FWPS_METADATA_FIELD_SUB_PROCESS_TAG                  0x80000000

#define FWPS_IS_METADATA_FIELD_PRESENT(metadataValues, metadataField)                              \
    (((metadataValues)->currentMetadataValues & (metadataField)) == (metadataField))

/*
 * Linux fills: flowHandle, processPath (as FwpmGetAppIdFromFileName0 makes it), processId,
 * compartmentId (the network namespace), transportEndpointHandle (the socket's cookie),
 * completionHandle where the operation can be pended, packetDirection at CONNECT and RECV_ACCEPT,
 * and with a packet ipHeaderSize (inbound) and transportHeaderSize. At CONNECT_REDIRECT
 * redirectRecords, for a connect of a process that others were redirected to; behind a redirection
 * localRedirectTargetPID, if it named one, and at CONNECT originalDestination. There is no token.
 */
typedef struct FWPS_INCOMING_METADATA_VALUES0_ {
    UINT32 currentMetadataValues; /* FWPS_METADATA_FIELD_* */
    UINT32 flags;                 /* FWPS_INCOMING_FLAG_* */
    UINT64 reserved;
    FWPS_DISCARD_METADATA0 discardMetadata;
    UINT64 flowHandle;
    UINT32 ipHeaderSize;        /* in bytes */
    UINT32 transportHeaderSize; /* in bytes */
    FWP_BYTE_BLOB *processPath;
    UINT64 token;
    UINT64 processId;
    UINT32 sourceInterfaceIndex;
    UINT32 destinationInterfaceIndex;
    ULONG compartmentId;
    FWPS_INBOUND_FRAGMENT_METADATA0 fragmentMetadata;
    ULONG pathMtu;
    HANDLE completionHandle;
    UINT64 transportEndpointHandle;
    SCOPE_ID remoteScopeId;
    WSACMSGHDR *controlData;
    ULONG controlDataLength;
    FWP_DIRECTION packetDirection;
    PVOID headerIncludeHeader;
    ULONG headerIncludeHeaderLength;
    IP_ADDRESS_PREFIX destinationPrefix;
    UINT16 frameLength;
    UINT64 parentEndpointHandle;
    UINT32 icmpIdAndSequence;
    DWORD localRedirectTargetPID;
    SOCKADDR *originalDestination;
    HANDLE redirectRecords;
    UINT32 currentL2MetadataValues;
    UINT32 l2Flags;
    UINT32 ethernetMacHeaderSize;
    UINT32 wiFiOperationMode;
    UINT32 vSwitchSourcePortId;
    UINT16 vSwitchSourceNicIndex;
    UINT32 vSwitchDestinationPortId;
    UINT32 padding0;
    USHORT padding1;
    UINT32 padding2;
    HANDLE vSwitchPacketContext;
    PVOID subProcessTag;
    UINT64 reserved1;
} FWPS_INCOMING_METADATA_VALUES0;

/* ---- a callout's functions ---- */

/*
 * Asked for each operation that matches a filter whose action names the callout. inFixedValues: the
 * layer's fields; layerData: a NET_BUFFER_LIST where there is a packet (the first datagram of a
 * flow at CONNECT, from its transport header on; any at RECV_ACCEPT, behind its transport header),
 * at CONNECT_REDIRECT an FWPS_CONNECT_REQUEST0, else NULL; classifyContext: for
 * FwpsAcquireClassifyHandle0; flowContext: what FwpsFlowAssociateContext0 gave, or 0; classifyOut:
 * the answer, to be changed only while FWPS_RIGHT_ACTION_WRITE is set in rights, except for a
 * block, which then is a veto. All of it is valid during the call; the packet longer with
 * FwpsReferenceNetBufferList0. Runs on a thread of the library; an operation is shown to one
 * classify at a time, different operations at once. IRQL
 * <= DISPATCH_LEVEL.
 */
typedef void(NTAPI *FWPS_CALLOUT_CLASSIFY_FN0)(const FWPS_INCOMING_VALUES0 *inFixedValues,
                                               const FWPS_INCOMING_METADATA_VALUES0 *inMetaValues,
                                               void *layerData, const FWPS_FILTER0 *filter,
                                               UINT64 flowContext, FWPS_CLASSIFY_OUT0 *classifyOut);
typedef void(NTAPI *FWPS_CALLOUT_CLASSIFY_FN1)(const FWPS_INCOMING_VALUES0 *inFixedValues,
                                               const FWPS_INCOMING_METADATA_VALUES0 *inMetaValues,
                                               void *layerData, const void *classifyContext,
                                               const FWPS_FILTER1 *filter, UINT64 flowContext,
                                               FWPS_CLASSIFY_OUT0 *classifyOut);
typedef void(NTAPI *FWPS_CALLOUT_CLASSIFY_FN2)(const FWPS_INCOMING_VALUES0 *inFixedValues,
                                               const FWPS_INCOMING_METADATA_VALUES0 *inMetaValues,
                                               void *layerData, const void *classifyContext,
                                               const FWPS_FILTER2 *filter, UINT64 flowContext,
                                               FWPS_CLASSIFY_OUT0 *classifyOut);
typedef void(NTAPI *FWPS_CALLOUT_CLASSIFY_FN3)(const FWPS_INCOMING_VALUES0 *inFixedValues,
                                               const FWPS_INCOMING_METADATA_VALUES0 *inMetaValues,
                                               void *layerData, const void *classifyContext,
                                               const FWPS_FILTER3 *filter, UINT64 flowContext,
                                               FWPS_CLASSIFY_OUT0 *classifyOut);

/*
 * Told of each filter that names the callout and is added from now on, and of each that is deleted
 * (filterKey is NULL then). On Linux the filter is in force already: a failure is logged and
 * changes nothing, and filter->context can't be changed. IRQL: PASSIVE_LEVEL.
 */
typedef NTSTATUS(NTAPI *FWPS_CALLOUT_NOTIFY_FN0)(FWPS_CALLOUT_NOTIFY_TYPE notifyType,
                                                 const GUID *filterKey, FWPS_FILTER0 *filter);
typedef NTSTATUS(NTAPI *FWPS_CALLOUT_NOTIFY_FN1)(FWPS_CALLOUT_NOTIFY_TYPE notifyType,
                                                 const GUID *filterKey, FWPS_FILTER1 *filter);
typedef NTSTATUS(NTAPI *FWPS_CALLOUT_NOTIFY_FN2)(FWPS_CALLOUT_NOTIFY_TYPE notifyType,
                                                 const GUID *filterKey, FWPS_FILTER2 *filter);
typedef NTSTATUS(NTAPI *FWPS_CALLOUT_NOTIFY_FN3)(FWPS_CALLOUT_NOTIFY_TYPE notifyType,
                                                 const GUID *filterKey, FWPS_FILTER3 *filter);

/* Told once of each context that goes: its flow has ended, or the driver removed it. No lock of the
 * library is held. IRQL <= DISPATCH_LEVEL. */
typedef void(NTAPI *FWPS_CALLOUT_FLOW_DELETE_NOTIFY_FN0)(UINT16 layerId, UINT32 calloutId,
                                                         UINT64 flowContext);

typedef struct FWPS_CALLOUT0_ {
    GUID calloutKey;
    UINT32 flags;                                     /* FWP_CALLOUT_FLAG_* */
    FWPS_CALLOUT_CLASSIFY_FN0 classifyFn;             /* required */
    FWPS_CALLOUT_NOTIFY_FN0 notifyFn;                 /* may be NULL on Linux */
    FWPS_CALLOUT_FLOW_DELETE_NOTIFY_FN0 flowDeleteFn; /* may be NULL */
} FWPS_CALLOUT0;

typedef struct FWPS_CALLOUT1_ {
    GUID calloutKey;
    UINT32 flags;
    FWPS_CALLOUT_CLASSIFY_FN1 classifyFn;
    FWPS_CALLOUT_NOTIFY_FN1 notifyFn;
    FWPS_CALLOUT_FLOW_DELETE_NOTIFY_FN0 flowDeleteFn;
} FWPS_CALLOUT1;

typedef struct FWPS_CALLOUT2_ {
    GUID calloutKey;
    UINT32 flags;
    FWPS_CALLOUT_CLASSIFY_FN2 classifyFn;
    FWPS_CALLOUT_NOTIFY_FN2 notifyFn;
    FWPS_CALLOUT_FLOW_DELETE_NOTIFY_FN0 flowDeleteFn;
} FWPS_CALLOUT2;

typedef struct FWPS_CALLOUT3_ {
    GUID calloutKey;
    UINT32 flags;
    FWPS_CALLOUT_CLASSIFY_FN3 classifyFn;
    FWPS_CALLOUT_NOTIFY_FN3 notifyFn;
    FWPS_CALLOUT_FLOW_DELETE_NOTIFY_FN0 flowDeleteFn;
} FWPS_CALLOUT3;

/* ---- registration ---- */

/*
 * Registers the code of a callout, before or after FwpmCalloutAdd0 adds its object. deviceObject is
 * ignored; callout is copied; *calloutId, which may be NULL, takes the id, the same as the
 * object's. Classifies may begin before the function returns. IRQL: PASSIVE_LEVEL. Errors:
 * STATUS_FWP_ALREADY_EXISTS (there is code for the key), STATUS_INVALID_PARAMETER (no classifyFn; a
 * flag that is none).
 */
NTSTATUS NTAPI FwpsCalloutRegister0(void *deviceObject, const FWPS_CALLOUT0 *callout,
                                    UINT32 *calloutId);
NTSTATUS NTAPI FwpsCalloutRegister1(void *deviceObject, const FWPS_CALLOUT1 *callout,
                                    UINT32 *calloutId);
NTSTATUS NTAPI FwpsCalloutRegister2(void *deviceObject, const FWPS_CALLOUT2 *callout,
                                    UINT32 *calloutId);
NTSTATUS NTAPI FwpsCalloutRegister3(void *deviceObject, const FWPS_CALLOUT3 *callout,
                                    UINT32 *calloutId);

/*
 * Takes the code away: its filters act as their flags say of a callout that is not registered, and
 * so do the operations that it pended. After success none of its functions runs or will run. Not
 * from a function of the callout itself. IRQL: PASSIVE_LEVEL.
 * Errors: STATUS_FWP_CALLOUT_NOT_FOUND, STATUS_DEVICE_BUSY (a flow has a context of it: remove it,
 * try again; or it was called from the callout itself), STATUS_FWP_IN_USE (another thread registers
 * or unregisters it).
 */
NTSTATUS NTAPI FwpsCalloutUnregisterById0(const UINT32 calloutId);
NTSTATUS NTAPI FwpsCalloutUnregisterByKey0(const GUID *calloutKey);

/* ---- contexts of flows ---- */

/*
 * Remembers flowContext (not 0) for the flow, this layer and this callout: classifies get it, and
 * flowDeleteFn when the flow ends. flowId: flowHandle of the metadata. IRQL <= DISPATCH_LEVEL.
 * Errors: STATUS_INVALID_PARAMETER (flowContext is 0; no such callout, or it has no flowDeleteFn),
 * STATUS_OBJECT_NAME_EXISTS (there is one already; NT_SUCCESS of it holds).
 */
NTSTATUS NTAPI FwpsFlowAssociateContext0(UINT64 flowId, UINT16 layerId, UINT32 calloutId,
                                         UINT64 flowContext);

/*
 * Forgets it and calls flowDeleteFn, before it returns; or, while a classify of the callout has
 * that context, after that: STATUS_PENDING. IRQL <= DISPATCH_LEVEL. Errors: STATUS_UNSUCCESSFUL
 * (there is none).
 */
NTSTATUS NTAPI FwpsFlowRemoveContext0(UINT64 flowId, UINT16 layerId, UINT32 calloutId);

/*
 * Ends the flow, soon: its socket's program sees ECONNABORTED, a TCP peer a reset, and contexts are
 * deleted as at any end. A flow without a peer of its own (an unconnected datagram socket), or one
 * that has gone, is left alone. IRQL <= DISPATCH_LEVEL. Errors: STATUS_INVALID_PARAMETER (0),
 * STATUS_DEVICE_NOT_READY (the engine is gone).
 */
NTSTATUS NTAPI FwpsFlowAbort0(UINT64 flowId);

/* ---- pending an operation ---- */

/*
 * In a classify at RESOURCE_ASSIGNMENT, LISTEN, CONNECT or RECV_ACCEPT: the operation stands still
 * until FwpsCompleteOperation0(*completionContext). The classify then has to return
 * FWP_ACTION_BLOCK with FWPS_CLASSIFY_OUT_FLAG_ABSORB and without FWPS_RIGHT_ACTION_WRITE.
 * completionHandle: of the metadata. When nobody completes within the engine's limit, the filter's
 * flags decide. IRQL <= DISPATCH_LEVEL.
 * Errors: STATUS_FWP_CANNOT_PEND (a reauthorization; another layer; an operation that can't wait),
 * STATUS_INVALID_PARAMETER (not the handle of a classify that runs; it is pended already).
 */
NTSTATUS NTAPI FwpsPendOperation0(HANDLE completionHandle, HANDLE *completionContext);

/*
 * Ends what FwpsPendOperation0 began, once; another thread may do it before the classify has
 * returned, and then waits for it.
 * RESOURCE_ASSIGNMENT, LISTEN, CONNECT: netBufferList is NULL. The operation is classified again,
 * on this thread and before the function returns, with FWP_CONDITION_FLAG_IS_REAUTHORIZE and
 * FWP_CONDITION_REAUTHORIZE_REASON_CLASSIFY_COMPLETION; that answer counts. (When another driver
 * keeps the engine from asking, the function does not wait longer than a second, and the classify
 * comes on a thread of the library.) A datagram that was neither referenced nor cloned goes out by
 * itself once it is permitted; else it goes out as the driver injects it.
 * RECV_ACCEPT with a packet: it decides. netBufferList is the clone that
 * FwpsInjectTransportReceiveAsync0 then injects: that permits. When the last reference to the
 * packet is gone, or there was none, and nothing was injected, it is refused. Without a packet (the
 * first datagram of a peer is dropped on Linux, and not shown) it is as at the other layers. IRQL
 * <= DISPATCH_LEVEL.
 */
void NTAPI FwpsCompleteOperation0(HANDLE completionContext, NET_BUFFER_LIST *netBufferList);

/* ---- pending a classify ---- */

/*
 * *classifyHandle names the classify beyond its end, until FwpsReleaseClassifyHandle0.
 * classifyContext: as classifyFn got it; flags: 0. IRQL <= DISPATCH_LEVEL.
 * Errors: STATUS_INVALID_PARAMETER (no such classify; flags).
 */
NTSTATUS NTAPI FwpsAcquireClassifyHandle0(void *classifyContext, UINT32 flags,
                                          UINT64 *classifyHandle);
/* Needed once for each handle; of a pended classify after FwpsCompleteClassify0.
 * IRQL <= DISPATCH_LEVEL. */
void NTAPI FwpsReleaseClassifyHandle0(UINT64 classifyHandle);

/*
 * In a classify at ENDPOINT_CLOSURE, CONNECT_REDIRECT or BIND_REDIRECT: the operation stands still
 * until FwpsCompleteClassify0. filterId: filter->filterId; flags: 0; classifyOut: as classifyFn got
 * it, is set to a block with FWPS_CLASSIFY_OUT_FLAG_ABSORB. IRQL <= DISPATCH_LEVEL.
 * Errors: STATUS_FWP_CANNOT_PEND (another layer; an operation that can't wait),
 * STATUS_INVALID_PARAMETER (no such handle; the classify is over; another filter; flags).
 */
NTSTATUS NTAPI FwpsPendClassify0(UINT64 classifyHandle, UINT64 filterId, UINT32 flags,
                                 FWPS_CLASSIFY_OUT0 *classifyOut);

/* Ends it, once: with classifyOut's action; or, with NULL, the operation is classified again as
 * FwpsCompleteOperation0 does. IRQL <= DISPATCH_LEVEL. */
void NTAPI FwpsCompleteClassify0(UINT64 classifyHandle, UINT32 flags,
                                 FWPS_CLASSIFY_OUT0 *classifyOut);

/* ---- packets ---- */

/* Keeps the packet of a classify beyond its end; with intendToModify the classify has to block.
 * Each call needs one FwpsDereferenceNetBufferList0. IRQL <= DISPATCH_LEVEL. */
void NTAPI FwpsReferenceNetBufferList0(NET_BUFFER_LIST *netBufferList, BOOLEAN intendToModify);
void NTAPI FwpsDereferenceNetBufferList0(NET_BUFFER_LIST *netBufferList, BOOLEAN dispatchLevel);

/*
 * *netBufferList becomes another view of the packet, which shares its bytes and begins where it
 * begins now; freed with FwpsFreeCloneNetBufferList0. It keeps the packet alive. Pools and flags
 * are ignored. IRQL <= DISPATCH_LEVEL. Errors: STATUS_INVALID_PARAMETER (not a packet of this
 * library).
 */
NTSTATUS NTAPI FwpsAllocateCloneNetBufferList0(NET_BUFFER_LIST *originalNetBufferList,
                                               NDIS_HANDLE netBufferListPoolHandle,
                                               NDIS_HANDLE netBufferPoolHandle,
                                               ULONG allocateCloneFlags,
                                               NET_BUFFER_LIST **netBufferList);
void NTAPI FwpsFreeCloneNetBufferList0(NET_BUFFER_LIST *netBufferList, ULONG freeCloneFlags);

/* ---- injection ---- */

#define FWPS_INJECTION_TYPE_STREAM            0x00000001
#define FWPS_INJECTION_TYPE_TRANSPORT         0x00000002
#define FWPS_INJECTION_TYPE_NETWORK           0x00000004
#define FWPS_INJECTION_TYPE_FORWARD           0x00000008
#define FWPS_INJECTION_TYPE_L2                0x00000010
#define FWPS_INJECTION_TYPE_VSWITCH_TRANSPORT 0x00000020

typedef enum FWPS_PACKET_INJECTION_STATE_ {
    FWPS_PACKET_NOT_INJECTED,
    FWPS_PACKET_INJECTED_BY_SELF,
    FWPS_PACKET_INJECTED_BY_OTHER,
    FWPS_PACKET_PREVIOUSLY_INJECTED_BY_SELF,
    FWPS_PACKET_INJECTION_STATE_MAX
} FWPS_PACKET_INJECTION_STATE;

/* The injection of netBufferList is over; its Status says how. Frees the clone. */
typedef void(NTAPI *FWPS_INJECT_COMPLETE0)(void *context, NET_BUFFER_LIST *netBufferList,
                                           BOOLEAN dispatchLevel);

typedef struct FWPS_TRANSPORT_SEND_PARAMS0_ {
    UCHAR *remoteAddress; /* network order */
    SCOPE_ID remoteScopeId;
    WSACMSGHDR *controlData;
    ULONG controlDataLength;
} FWPS_TRANSPORT_SEND_PARAMS0;

typedef struct FWPS_TRANSPORT_SEND_PARAMS1_ {
    UCHAR *remoteAddress;
    SCOPE_ID remoteScopeId;
    WSACMSGHDR *controlData;
    ULONG controlDataLength;
    UCHAR *headerIncludeHeader;
    ULONG headerIncludeHeaderLength;
} FWPS_TRANSPORT_SEND_PARAMS1;

/*
 * A handle for injections. addressFamily: AF_UNSPEC, AF_INET or AF_INET6; flags:
 * FWPS_INJECTION_TYPE_*, of which Linux injects FWPS_INJECTION_TYPE_TRANSPORT. IRQL: PASSIVE_LEVEL.
 * Errors: STATUS_INVALID_PARAMETER.
 */
NTSTATUS NTAPI FwpsInjectionHandleCreate0(ADDRESS_FAMILY addressFamily, UINT32 flags,
                                          HANDLE *injectionHandle);

/* Returns when all completion functions have run. Errors: STATUS_INVALID_HANDLE. IRQL:
 * PASSIVE_LEVEL. */
NTSTATUS NTAPI FwpsInjectionHandleDestroy0(HANDLE injectionHandle);

/* Whether the packet of a classify came from this handle; *injectionContext, which may be NULL,
 * takes what was given to the injection. By self: permit, do not change it. IRQL <= DISPATCH_LEVEL.
 */
FWPS_PACKET_INJECTION_STATE NTAPI FwpsQueryPacketInjectionState0(
    HANDLE injectionHandle, const NET_BUFFER_LIST *netBufferList, HANDLE *injectionContext);

/*
 * Lets the datagram of a pended CONNECT go out as the clone shows it, from its transport header on:
 * once the operation is permitted; the second classify is waited for, in whatever order driver and
 * engine get there. Its bytes may have been edited (checksums are the driver's), its length not.
 * endpointHandle, flags, sendArgs, addressFamily and compartmentId are what the packet has, and are
 * ignored; so are packets of the driver's own making (below). After success completionFn is called
 * once, perhaps before the function returns, on any thread; after an error not at all.
 * IRQL <= DISPATCH_LEVEL.
 * Errors: STATUS_NOT_SUPPORTED (Linux lets out only packets of operations that a classify has shown
 * and taken), STATUS_INVALID_PARAMETER (not a clone; another length), STATUS_INVALID_HANDLE,
 * STATUS_FWP_INJECT_HANDLE_CLOSING, STATUS_FWP_INJECT_HANDLE_STALE (not of this type).
 */
NTSTATUS NTAPI FwpsInjectTransportSendAsync0(
    HANDLE injectionHandle, HANDLE injectionContext, UINT64 endpointHandle, UINT32 flags,
    FWPS_TRANSPORT_SEND_PARAMS0 *sendArgs, ADDRESS_FAMILY addressFamily,
    COMPARTMENT_ID compartmentId, NET_BUFFER_LIST *netBufferList,
    FWPS_INJECT_COMPLETE0 completionFn, HANDLE completionContext);
NTSTATUS NTAPI FwpsInjectTransportSendAsync1(
    HANDLE injectionHandle, HANDLE injectionContext, UINT64 endpointHandle, UINT32 flags,
    FWPS_TRANSPORT_SEND_PARAMS1 *sendArgs, ADDRESS_FAMILY addressFamily,
    COMPARTMENT_ID compartmentId, NET_BUFFER_LIST *netBufferList,
    FWPS_INJECT_COMPLETE0 completionFn, HANDLE completionContext);

/* The same for the packet of a pended RECV_ACCEPT, from its IP header on; it is classified again,
 * and FwpsQueryPacketInjectionState0 tells the callout that it is its own. */
NTSTATUS NTAPI FwpsInjectTransportReceiveAsync0(
    HANDLE injectionHandle, HANDLE injectionContext, PVOID reserved, UINT32 flags,
    ADDRESS_FAMILY addressFamily, COMPARTMENT_ID compartmentId, IF_INDEX interfaceIndex,
    IF_INDEX subInterfaceIndex, NET_BUFFER_LIST *netBufferList, FWPS_INJECT_COMPLETE0 completionFn,
    HANDLE completionContext);

/* ---- redirection ---- */

typedef enum FWPS_CONNECTION_REDIRECT_STATE_ {
    FWPS_CONNECTION_NOT_REDIRECTED,
    FWPS_CONNECTION_REDIRECTED_BY_SELF,
    FWPS_CONNECTION_REDIRECTED_BY_OTHER,
    FWPS_CONNECTION_PREVIOUSLY_REDIRECTED_BY_SELF,
    FWPS_CONNECTION_REDIRECT_STATE_MAX
} FWPS_CONNECTION_REDIRECT_STATE;

#define FWPS_CLASSIFY_FLAG_REAUTHORIZE_IF_MODIFIED_BY_OTHERS 0x00000001

/*
 * What layerData is at CONNECT_REDIRECT; addresses and ports in network order. The driver may
 * change remoteAddressAndPort, within its family (v4-mapped addresses are one), and localRedirect*.
 * previousVersion: as the program has asked, when a heavier callout (modifierFilterId is its
 * filter) has redirected already.
 */
typedef struct _FWPS_CONNECT_REQUEST0 {
    SOCKADDR_STORAGE localAddressAndPort;
    SOCKADDR_STORAGE remoteAddressAndPort;
    UINT64 portReservationToken;
    DWORD localRedirectTargetPID;
    struct _FWPS_CONNECT_REQUEST0 *previousVersion;
    UINT64 modifierFilterId;
    HANDLE localRedirectHandle;
    void *localRedirectContext;
    SIZE_T localRedirectContextSize;
} FWPS_CONNECT_REQUEST0;

typedef struct _FWPS_BIND_REQUEST0 {
    SOCKADDR_STORAGE localAddressAndPort;
    UINT64 portReservationToken;
    struct _FWPS_BIND_REQUEST0 *previousVersion;
    UINT64 modifierFilterId;
} FWPS_BIND_REQUEST0;

/* A handle that names this driver's redirections; freed with FwpsRedirectHandleDestroy0. IRQL:
 * PASSIVE_LEVEL. Errors: STATUS_INVALID_PARAMETER (flags are not 0). */
NTSTATUS NTAPI FwpsRedirectHandleCreate0(const GUID *providerGuid, UINT32 flags,
                                         HANDLE *redirectHandle);
/* What was redirected stays so. IRQL: PASSIVE_LEVEL. */
void NTAPI FwpsRedirectHandleDestroy0(HANDLE redirectHandle);

/*
 * Whether the connect is one of a process that connects were redirected to
 * (localRedirectTargetPID): by this driver, which then has to permit it as it is, or by another.
 * redirectRecords: of the metadata of the classify that runs. *redirectContext becomes NULL: Linux
 * doesn't know which of the redirected connections a proxy makes this one for.
 */
FWPS_CONNECTION_REDIRECT_STATE NTAPI FwpsQueryConnectionRedirectState0(HANDLE redirectRecords,
                                                                       HANDLE redirectHandle,
                                                                       void **redirectContext);

/*
 * In a classify at CONNECT_REDIRECT, or while it is pended with FwpsPendClassify0:
 * *writableLayerData becomes an FWPS_CONNECT_REQUEST0 to be changed, valid until the handle is
 * released. filterId: filter->filterId; flags: 0; classifyOut is set to a hard block: to redirect,
 * the driver has to set FWP_ACTION_PERMIT behind FwpsApplyModifiedLayerData0. IRQL <=
 * DISPATCH_LEVEL.
 * Errors: STATUS_NOT_SUPPORTED (another layer; a bind can't be redirected, it is over when its
 * callout is asked), STATUS_ACCESS_DENIED (somebody heavier has decided: FWPS_RIGHT_ACTION_WRITE
 * was not set), STATUS_INVALID_PARAMETER (no such handle, or its classify is over; another filter;
 * flags).
 */
NTSTATUS NTAPI FwpsAcquireWritableLayerDataPointer0(UINT64 classifyHandle, UINT64 filterId,
                                                    UINT32 flags, PVOID *writableLayerData,
                                                    FWPS_CLASSIFY_OUT0 *classifyOut);

/*
 * The request is to be as it is now; it counts with the permit of the classify, or of
 * FwpsCompleteClassify0. An unchanged one is no redirection. What can't be done is logged, and the
 * permit becomes a block: a peer of another family, without address or port, a changed local
 * address, a localRedirectTargetPID without localRedirectHandle. localRedirectContext, from
 * malloc(), is the library's from now on, which frees it with the classify handle: nobody can ask
 * for it. flags are ignored: a callout isn't asked again when a lighter one changes the request.
 */
void NTAPI FwpsApplyModifiedLayerData0(UINT64 classifyHandle, PVOID modifiedLayerData,
                                       UINT32 flags);

#ifdef __cplusplus
}
#endif

#include <fwpvi.h>

#endif
