/*
 * The management API: opening the engine, transactions, and objects of the filtering platform.
 */
#ifndef OPENWFP_FWPMU_H
#define OPENWFP_FWPMU_H

#include <fwpm_guids.h>
#include <fwpmtypes.h>
#include <rpc.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- weights ---- */

#define FWPM_AUTO_WEIGHT_BITS            60
#define FWPM_AUTO_WEIGHT_MAX             (MAXUINT64 >> (64 - FWPM_AUTO_WEIGHT_BITS))
#define FWPM_WEIGHT_RANGE_MAX            (MAXUINT64 >> FWPM_AUTO_WEIGHT_BITS)
#define FWPM_WEIGHT_RANGE_IPSEC          0x0
#define FWPM_WEIGHT_RANGE_IKE_EXEMPTIONS 0xc

/* ---- access rights ---- */

#define FWPM_ACTRL_ADD             0x00000001
#define FWPM_ACTRL_ADD_LINK        0x00000002
#define FWPM_ACTRL_BEGIN_READ_TXN  0x00000004
#define FWPM_ACTRL_BEGIN_WRITE_TXN 0x00000008
#define FWPM_ACTRL_CLASSIFY        0x00000010
#define FWPM_ACTRL_ENUM            0x00000020
#define FWPM_ACTRL_OPEN            0x00000040
#define FWPM_ACTRL_READ            0x00000080
#define FWPM_ACTRL_READ_STATS      0x00000100
#define FWPM_ACTRL_SUBSCRIBE       0x00000200
#define FWPM_ACTRL_WRITE           0x00000400

#define FWPM_GENERIC_READ                                                                          \
    (STANDARD_RIGHTS_READ | FWPM_ACTRL_BEGIN_READ_TXN | FWPM_ACTRL_CLASSIFY | FWPM_ACTRL_OPEN |    \
     FWPM_ACTRL_READ | FWPM_ACTRL_READ_STATS)
#define FWPM_GENERIC_EXECUTE (STANDARD_RIGHTS_EXECUTE | FWPM_ACTRL_ENUM | FWPM_ACTRL_SUBSCRIBE)
#define FWPM_GENERIC_WRITE                                                                         \
    (STANDARD_RIGHTS_WRITE | DELETE | FWPM_ACTRL_ADD | FWPM_ACTRL_ADD_LINK |                       \
     FWPM_ACTRL_BEGIN_WRITE_TXN | FWPM_ACTRL_WRITE)
#define FWPM_GENERIC_ALL                                                                           \
    (STANDARD_RIGHTS_REQUIRED | FWPM_ACTRL_ADD | FWPM_ACTRL_ADD_LINK | FWPM_ACTRL_BEGIN_READ_TXN | \
     FWPM_ACTRL_BEGIN_WRITE_TXN | FWPM_ACTRL_CLASSIFY | FWPM_ACTRL_ENUM | FWPM_ACTRL_OPEN |        \
     FWPM_ACTRL_READ | FWPM_ACTRL_READ_STATS | FWPM_ACTRL_SUBSCRIBE | FWPM_ACTRL_WRITE)

/* ---- flags of FwpmTransactionBegin0 ---- */

#define FWPM_TXN_READ_ONLY 0x00000001

/* ---- callbacks: called from a thread of the library ---- */

typedef void(CALLBACK *FWPM_PROVIDER_CHANGE_CALLBACK0)(void *context,
                                                       const FWPM_PROVIDER_CHANGE0 *change);
typedef void(CALLBACK *FWPM_PROVIDER_CONTEXT_CHANGE_CALLBACK0)(
    void *context, const FWPM_PROVIDER_CONTEXT_CHANGE0 *change);
typedef void(CALLBACK *FWPM_SUBLAYER_CHANGE_CALLBACK0)(void *context,
                                                       const FWPM_SUBLAYER_CHANGE0 *change);
typedef void(CALLBACK *FWPM_CALLOUT_CHANGE_CALLBACK0)(void *context,
                                                      const FWPM_CALLOUT_CHANGE0 *change);
typedef void(CALLBACK *FWPM_FILTER_CHANGE_CALLBACK0)(void *context,
                                                     const FWPM_FILTER_CHANGE0 *change);
typedef void(CALLBACK *FWPM_NET_EVENT_CALLBACK0)(void *context, const FWPM_NET_EVENT1 *event);
typedef void(CALLBACK *FWPM_NET_EVENT_CALLBACK1)(void *context, const FWPM_NET_EVENT2 *event);
typedef void(CALLBACK *FWPM_NET_EVENT_CALLBACK2)(void *context, const FWPM_NET_EVENT3 *event);
typedef void(CALLBACK *FWPM_NET_EVENT_CALLBACK3)(void *context, const FWPM_NET_EVENT4 *event);
typedef void(CALLBACK *FWPM_NET_EVENT_CALLBACK4)(void *context, const FWPM_NET_EVENT5 *event);

/* ---- memory ---- */

void WINAPI FwpmFreeMemory0(void **p);

/* ---- the engine ---- */

DWORD WINAPI FwpmEngineOpen0(const WCHAR *serverName, UINT32 authnService,
                             SEC_WINNT_AUTH_IDENTITY_W *authIdentity, const FWPM_SESSION0 *session,
                             HANDLE *engineHandle);
DWORD WINAPI FwpmEngineClose0(HANDLE engineHandle);
DWORD WINAPI FwpmEngineGetOption0(HANDLE engineHandle, FWPM_ENGINE_OPTION option,
                                  FWP_VALUE0 **value);
DWORD WINAPI FwpmEngineSetOption0(HANDLE engineHandle, FWPM_ENGINE_OPTION option,
                                  const FWP_VALUE0 *newValue);
DWORD WINAPI FwpmEngineGetSecurityInfo0(HANDLE engineHandle, SECURITY_INFORMATION securityInfo,
                                        PSID *sidOwner, PSID *sidGroup, PACL *dacl, PACL *sacl,
                                        PSECURITY_DESCRIPTOR *securityDescriptor);
DWORD WINAPI FwpmEngineSetSecurityInfo0(HANDLE engineHandle, SECURITY_INFORMATION securityInfo,
                                        const SID *sidOwner, const SID *sidGroup, const ACL *dacl,
                                        const ACL *sacl);

/* ---- sessions ---- */

DWORD WINAPI FwpmSessionCreateEnumHandle0(HANDLE engineHandle,
                                          const FWPM_SESSION_ENUM_TEMPLATE0 *enumTemplate,
                                          HANDLE *enumHandle);
DWORD WINAPI FwpmSessionEnum0(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
                              FWPM_SESSION0 ***entries, UINT32 *numEntriesReturned);
DWORD WINAPI FwpmSessionDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle);

/* ---- transactions ---- */

DWORD WINAPI FwpmTransactionBegin0(HANDLE engineHandle, UINT32 flags);
DWORD WINAPI FwpmTransactionCommit0(HANDLE engineHandle);
DWORD WINAPI FwpmTransactionAbort0(HANDLE engineHandle);

/* ---- providers ---- */

DWORD WINAPI FwpmProviderAdd0(HANDLE engineHandle, const FWPM_PROVIDER0 *provider,
                              PSECURITY_DESCRIPTOR sd);
DWORD WINAPI FwpmProviderDeleteByKey0(HANDLE engineHandle, const GUID *key);
DWORD WINAPI FwpmProviderGetByKey0(HANDLE engineHandle, const GUID *key, FWPM_PROVIDER0 **provider);
DWORD WINAPI FwpmProviderCreateEnumHandle0(HANDLE engineHandle,
                                           const FWPM_PROVIDER_ENUM_TEMPLATE0 *enumTemplate,
                                           HANDLE *enumHandle);
DWORD WINAPI FwpmProviderEnum0(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
                               FWPM_PROVIDER0 ***entries, UINT32 *numEntriesReturned);
DWORD WINAPI FwpmProviderDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle);
DWORD WINAPI FwpmProviderGetSecurityInfoByKey0(HANDLE engineHandle, const GUID *key,
                                               SECURITY_INFORMATION securityInfo, PSID *sidOwner,
                                               PSID *sidGroup, PACL *dacl, PACL *sacl,
                                               PSECURITY_DESCRIPTOR *securityDescriptor);
DWORD WINAPI FwpmProviderSetSecurityInfoByKey0(HANDLE engineHandle, const GUID *key,
                                               SECURITY_INFORMATION securityInfo,
                                               const SID *sidOwner, const SID *sidGroup,
                                               const ACL *dacl, const ACL *sacl);
DWORD WINAPI FwpmProviderSubscribeChanges0(HANDLE engineHandle,
                                           const FWPM_PROVIDER_SUBSCRIPTION0 *subscription,
                                           FWPM_PROVIDER_CHANGE_CALLBACK0 callback, void *context,
                                           HANDLE *changeHandle);
DWORD WINAPI FwpmProviderUnsubscribeChanges0(HANDLE engineHandle, HANDLE changeHandle);
DWORD WINAPI FwpmProviderSubscriptionsGet0(HANDLE engineHandle,
                                           FWPM_PROVIDER_SUBSCRIPTION0 ***entries,
                                           UINT32 *numEntries);

/* ---- provider contexts ---- */

DWORD WINAPI FwpmProviderContextAdd0(HANDLE engineHandle,
                                     const FWPM_PROVIDER_CONTEXT0 *providerContext,
                                     PSECURITY_DESCRIPTOR sd, UINT64 *id);
DWORD WINAPI FwpmProviderContextAdd1(HANDLE engineHandle,
                                     const FWPM_PROVIDER_CONTEXT1 *providerContext,
                                     PSECURITY_DESCRIPTOR sd, UINT64 *id);
DWORD WINAPI FwpmProviderContextAdd2(HANDLE engineHandle,
                                     const FWPM_PROVIDER_CONTEXT2 *providerContext,
                                     PSECURITY_DESCRIPTOR sd, UINT64 *id);
DWORD WINAPI FwpmProviderContextAdd3(HANDLE engineHandle,
                                     const FWPM_PROVIDER_CONTEXT3 *providerContext,
                                     PSECURITY_DESCRIPTOR sd, UINT64 *id);
DWORD WINAPI FwpmProviderContextDeleteById0(HANDLE engineHandle, UINT64 id);
DWORD WINAPI FwpmProviderContextDeleteByKey0(HANDLE engineHandle, const GUID *key);
DWORD WINAPI FwpmProviderContextGetById0(HANDLE engineHandle, UINT64 id,
                                         FWPM_PROVIDER_CONTEXT0 **providerContext);
DWORD WINAPI FwpmProviderContextGetById1(HANDLE engineHandle, UINT64 id,
                                         FWPM_PROVIDER_CONTEXT1 **providerContext);
DWORD WINAPI FwpmProviderContextGetById2(HANDLE engineHandle, UINT64 id,
                                         FWPM_PROVIDER_CONTEXT2 **providerContext);
DWORD WINAPI FwpmProviderContextGetById3(HANDLE engineHandle, UINT64 id,
                                         FWPM_PROVIDER_CONTEXT3 **providerContext);
DWORD WINAPI FwpmProviderContextGetByKey0(HANDLE engineHandle, const GUID *key,
                                          FWPM_PROVIDER_CONTEXT0 **providerContext);
DWORD WINAPI FwpmProviderContextGetByKey1(HANDLE engineHandle, const GUID *key,
                                          FWPM_PROVIDER_CONTEXT1 **providerContext);
DWORD WINAPI FwpmProviderContextGetByKey2(HANDLE engineHandle, const GUID *key,
                                          FWPM_PROVIDER_CONTEXT2 **providerContext);
DWORD WINAPI FwpmProviderContextGetByKey3(HANDLE engineHandle, const GUID *key,
                                          FWPM_PROVIDER_CONTEXT3 **providerContext);
DWORD WINAPI FwpmProviderContextCreateEnumHandle0(
    HANDLE engineHandle, const FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0 *enumTemplate,
    HANDLE *enumHandle);
DWORD WINAPI FwpmProviderContextEnum0(HANDLE engineHandle, HANDLE enumHandle,
                                      UINT32 numEntriesRequested, FWPM_PROVIDER_CONTEXT0 ***entries,
                                      UINT32 *numEntriesReturned);
DWORD WINAPI FwpmProviderContextEnum1(HANDLE engineHandle, HANDLE enumHandle,
                                      UINT32 numEntriesRequested, FWPM_PROVIDER_CONTEXT1 ***entries,
                                      UINT32 *numEntriesReturned);
DWORD WINAPI FwpmProviderContextEnum2(HANDLE engineHandle, HANDLE enumHandle,
                                      UINT32 numEntriesRequested, FWPM_PROVIDER_CONTEXT2 ***entries,
                                      UINT32 *numEntriesReturned);
DWORD WINAPI FwpmProviderContextEnum3(HANDLE engineHandle, HANDLE enumHandle,
                                      UINT32 numEntriesRequested, FWPM_PROVIDER_CONTEXT3 ***entries,
                                      UINT32 *numEntriesReturned);
DWORD WINAPI FwpmProviderContextDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle);
DWORD WINAPI FwpmProviderContextGetSecurityInfoByKey0(HANDLE engineHandle, const GUID *key,
                                                      SECURITY_INFORMATION securityInfo,
                                                      PSID *sidOwner, PSID *sidGroup, PACL *dacl,
                                                      PACL *sacl,
                                                      PSECURITY_DESCRIPTOR *securityDescriptor);
DWORD WINAPI FwpmProviderContextSetSecurityInfoByKey0(HANDLE engineHandle, const GUID *key,
                                                      SECURITY_INFORMATION securityInfo,
                                                      const SID *sidOwner, const SID *sidGroup,
                                                      const ACL *dacl, const ACL *sacl);
DWORD WINAPI FwpmProviderContextSubscribeChanges0(
    HANDLE engineHandle, const FWPM_PROVIDER_CONTEXT_SUBSCRIPTION0 *subscription,
    FWPM_PROVIDER_CONTEXT_CHANGE_CALLBACK0 callback, void *context, HANDLE *changeHandle);
DWORD WINAPI FwpmProviderContextUnsubscribeChanges0(HANDLE engineHandle, HANDLE changeHandle);
DWORD WINAPI FwpmProviderContextSubscriptionsGet0(HANDLE engineHandle,
                                                  FWPM_PROVIDER_CONTEXT_SUBSCRIPTION0 ***entries,
                                                  UINT32 *numEntries);

/* ---- sublayers ---- */

DWORD WINAPI FwpmSubLayerAdd0(HANDLE engineHandle, const FWPM_SUBLAYER0 *subLayer,
                              PSECURITY_DESCRIPTOR sd);
DWORD WINAPI FwpmSubLayerDeleteByKey0(HANDLE engineHandle, const GUID *key);
DWORD WINAPI FwpmSubLayerGetByKey0(HANDLE engineHandle, const GUID *key, FWPM_SUBLAYER0 **subLayer);
DWORD WINAPI FwpmSubLayerCreateEnumHandle0(HANDLE engineHandle,
                                           const FWPM_SUBLAYER_ENUM_TEMPLATE0 *enumTemplate,
                                           HANDLE *enumHandle);
DWORD WINAPI FwpmSubLayerEnum0(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
                               FWPM_SUBLAYER0 ***entries, UINT32 *numEntriesReturned);
DWORD WINAPI FwpmSubLayerDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle);
DWORD WINAPI FwpmSubLayerGetSecurityInfoByKey0(HANDLE engineHandle, const GUID *key,
                                               SECURITY_INFORMATION securityInfo, PSID *sidOwner,
                                               PSID *sidGroup, PACL *dacl, PACL *sacl,
                                               PSECURITY_DESCRIPTOR *securityDescriptor);
DWORD WINAPI FwpmSubLayerSetSecurityInfoByKey0(HANDLE engineHandle, const GUID *key,
                                               SECURITY_INFORMATION securityInfo,
                                               const SID *sidOwner, const SID *sidGroup,
                                               const ACL *dacl, const ACL *sacl);
DWORD WINAPI FwpmSubLayerSubscribeChanges0(HANDLE engineHandle,
                                           const FWPM_SUBLAYER_SUBSCRIPTION0 *subscription,
                                           FWPM_SUBLAYER_CHANGE_CALLBACK0 callback, void *context,
                                           HANDLE *changeHandle);
DWORD WINAPI FwpmSubLayerUnsubscribeChanges0(HANDLE engineHandle, HANDLE changeHandle);
DWORD WINAPI FwpmSubLayerSubscriptionsGet0(HANDLE engineHandle,
                                           FWPM_SUBLAYER_SUBSCRIPTION0 ***entries,
                                           UINT32 *numEntries);

/* ---- layers ---- */

DWORD WINAPI FwpmLayerGetById0(HANDLE engineHandle, UINT16 id, FWPM_LAYER0 **layer);
DWORD WINAPI FwpmLayerGetByKey0(HANDLE engineHandle, const GUID *key, FWPM_LAYER0 **layer);
DWORD WINAPI FwpmLayerCreateEnumHandle0(HANDLE engineHandle,
                                        const FWPM_LAYER_ENUM_TEMPLATE0 *enumTemplate,
                                        HANDLE *enumHandle);
DWORD WINAPI FwpmLayerEnum0(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
                            FWPM_LAYER0 ***entries, UINT32 *numEntriesReturned);
DWORD WINAPI FwpmLayerDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle);
DWORD WINAPI FwpmLayerGetSecurityInfoByKey0(HANDLE engineHandle, const GUID *key,
                                            SECURITY_INFORMATION securityInfo, PSID *sidOwner,
                                            PSID *sidGroup, PACL *dacl, PACL *sacl,
                                            PSECURITY_DESCRIPTOR *securityDescriptor);
DWORD WINAPI FwpmLayerSetSecurityInfoByKey0(HANDLE engineHandle, const GUID *key,
                                            SECURITY_INFORMATION securityInfo, const SID *sidOwner,
                                            const SID *sidGroup, const ACL *dacl, const ACL *sacl);

/* ---- callouts ---- */

DWORD WINAPI FwpmCalloutAdd0(HANDLE engineHandle, const FWPM_CALLOUT0 *callout,
                             PSECURITY_DESCRIPTOR sd, UINT32 *id);
DWORD WINAPI FwpmCalloutDeleteById0(HANDLE engineHandle, UINT32 id);
DWORD WINAPI FwpmCalloutDeleteByKey0(HANDLE engineHandle, const GUID *key);
DWORD WINAPI FwpmCalloutGetById0(HANDLE engineHandle, UINT32 id, FWPM_CALLOUT0 **callout);
DWORD WINAPI FwpmCalloutGetByKey0(HANDLE engineHandle, const GUID *key, FWPM_CALLOUT0 **callout);
DWORD WINAPI FwpmCalloutCreateEnumHandle0(HANDLE engineHandle,
                                          const FWPM_CALLOUT_ENUM_TEMPLATE0 *enumTemplate,
                                          HANDLE *enumHandle);
DWORD WINAPI FwpmCalloutEnum0(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
                              FWPM_CALLOUT0 ***entries, UINT32 *numEntriesReturned);
DWORD WINAPI FwpmCalloutDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle);
DWORD WINAPI FwpmCalloutGetSecurityInfoByKey0(HANDLE engineHandle, const GUID *key,
                                              SECURITY_INFORMATION securityInfo, PSID *sidOwner,
                                              PSID *sidGroup, PACL *dacl, PACL *sacl,
                                              PSECURITY_DESCRIPTOR *securityDescriptor);
DWORD WINAPI FwpmCalloutSetSecurityInfoByKey0(HANDLE engineHandle, const GUID *key,
                                              SECURITY_INFORMATION securityInfo,
                                              const SID *sidOwner, const SID *sidGroup,
                                              const ACL *dacl, const ACL *sacl);
DWORD WINAPI FwpmCalloutSubscribeChanges0(HANDLE engineHandle,
                                          const FWPM_CALLOUT_SUBSCRIPTION0 *subscription,
                                          FWPM_CALLOUT_CHANGE_CALLBACK0 callback, void *context,
                                          HANDLE *changeHandle);
DWORD WINAPI FwpmCalloutUnsubscribeChanges0(HANDLE engineHandle, HANDLE changeHandle);
DWORD WINAPI FwpmCalloutSubscriptionsGet0(HANDLE engineHandle,
                                          FWPM_CALLOUT_SUBSCRIPTION0 ***entries,
                                          UINT32 *numEntries);

/* ---- filters ---- */

DWORD WINAPI FwpmFilterAdd0(HANDLE engineHandle, const FWPM_FILTER0 *filter,
                            PSECURITY_DESCRIPTOR sd, UINT64 *id);
DWORD WINAPI FwpmFilterDeleteById0(HANDLE engineHandle, UINT64 id);
DWORD WINAPI FwpmFilterDeleteByKey0(HANDLE engineHandle, const GUID *key);
DWORD WINAPI FwpmFilterGetById0(HANDLE engineHandle, UINT64 id, FWPM_FILTER0 **filter);
DWORD WINAPI FwpmFilterGetByKey0(HANDLE engineHandle, const GUID *key, FWPM_FILTER0 **filter);
DWORD WINAPI FwpmFilterCreateEnumHandle0(HANDLE engineHandle,
                                         const FWPM_FILTER_ENUM_TEMPLATE0 *enumTemplate,
                                         HANDLE *enumHandle);
DWORD WINAPI FwpmFilterEnum0(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
                             FWPM_FILTER0 ***entries, UINT32 *numEntriesReturned);
DWORD WINAPI FwpmFilterDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle);
DWORD WINAPI FwpmFilterGetSecurityInfoByKey0(HANDLE engineHandle, const GUID *key,
                                             SECURITY_INFORMATION securityInfo, PSID *sidOwner,
                                             PSID *sidGroup, PACL *dacl, PACL *sacl,
                                             PSECURITY_DESCRIPTOR *securityDescriptor);
DWORD WINAPI FwpmFilterSetSecurityInfoByKey0(HANDLE engineHandle, const GUID *key,
                                             SECURITY_INFORMATION securityInfo, const SID *sidOwner,
                                             const SID *sidGroup, const ACL *dacl, const ACL *sacl);
DWORD WINAPI FwpmFilterSubscribeChanges0(HANDLE engineHandle,
                                         const FWPM_FILTER_SUBSCRIPTION0 *subscription,
                                         FWPM_FILTER_CHANGE_CALLBACK0 callback, void *context,
                                         HANDLE *changeHandle);
DWORD WINAPI FwpmFilterUnsubscribeChanges0(HANDLE engineHandle, HANDLE changeHandle);
DWORD WINAPI FwpmFilterSubscriptionsGet0(HANDLE engineHandle, FWPM_FILTER_SUBSCRIPTION0 ***entries,
                                         UINT32 *numEntries);
DWORD WINAPI FwpmGetAppIdFromFileName0(PCWSTR fileName, FWP_BYTE_BLOB **appId);

/* ---- net events ---- */

DWORD WINAPI FwpmNetEventCreateEnumHandle0(HANDLE engineHandle,
                                           const FWPM_NET_EVENT_ENUM_TEMPLATE0 *enumTemplate,
                                           HANDLE *enumHandle);
DWORD WINAPI FwpmNetEventEnum0(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
                               FWPM_NET_EVENT0 ***entries, UINT32 *numEntriesReturned);
DWORD WINAPI FwpmNetEventEnum1(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
                               FWPM_NET_EVENT1 ***entries, UINT32 *numEntriesReturned);
DWORD WINAPI FwpmNetEventEnum2(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
                               FWPM_NET_EVENT2 ***entries, UINT32 *numEntriesReturned);
DWORD WINAPI FwpmNetEventEnum3(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
                               FWPM_NET_EVENT3 ***entries, UINT32 *numEntriesReturned);
DWORD WINAPI FwpmNetEventEnum4(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
                               FWPM_NET_EVENT4 ***entries, UINT32 *numEntriesReturned);
DWORD WINAPI FwpmNetEventEnum5(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
                               FWPM_NET_EVENT5 ***entries, UINT32 *numEntriesReturned);
DWORD WINAPI FwpmNetEventDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle);
DWORD WINAPI FwpmNetEventsGetSecurityInfo0(HANDLE engineHandle, SECURITY_INFORMATION securityInfo,
                                           PSID *sidOwner, PSID *sidGroup, PACL *dacl, PACL *sacl,
                                           PSECURITY_DESCRIPTOR *securityDescriptor);
DWORD WINAPI FwpmNetEventsSetSecurityInfo0(HANDLE engineHandle, SECURITY_INFORMATION securityInfo,
                                           const SID *sidOwner, const SID *sidGroup,
                                           const ACL *dacl, const ACL *sacl);
DWORD WINAPI FwpmNetEventSubscribe0(HANDLE engineHandle,
                                    const FWPM_NET_EVENT_SUBSCRIPTION0 *subscription,
                                    FWPM_NET_EVENT_CALLBACK0 callback, void *context,
                                    HANDLE *eventsHandle);
DWORD WINAPI FwpmNetEventSubscribe1(HANDLE engineHandle,
                                    const FWPM_NET_EVENT_SUBSCRIPTION0 *subscription,
                                    FWPM_NET_EVENT_CALLBACK1 callback, void *context,
                                    HANDLE *eventsHandle);
DWORD WINAPI FwpmNetEventSubscribe2(HANDLE engineHandle,
                                    const FWPM_NET_EVENT_SUBSCRIPTION0 *subscription,
                                    FWPM_NET_EVENT_CALLBACK2 callback, void *context,
                                    HANDLE *eventsHandle);
DWORD WINAPI FwpmNetEventSubscribe3(HANDLE engineHandle,
                                    const FWPM_NET_EVENT_SUBSCRIPTION0 *subscription,
                                    FWPM_NET_EVENT_CALLBACK3 callback, void *context,
                                    HANDLE *eventsHandle);
DWORD WINAPI FwpmNetEventSubscribe4(HANDLE engineHandle,
                                    const FWPM_NET_EVENT_SUBSCRIPTION0 *subscription,
                                    FWPM_NET_EVENT_CALLBACK4 callback, void *context,
                                    HANDLE *eventsHandle);
DWORD WINAPI FwpmNetEventUnsubscribe0(HANDLE engineHandle, HANDLE eventsHandle);
DWORD WINAPI FwpmNetEventSubscriptionsGet0(HANDLE engineHandle,
                                           FWPM_NET_EVENT_SUBSCRIPTION0 ***entries,
                                           UINT32 *numEntries);

#ifdef __cplusplus
}
#endif

#include <fwpvi.h>

#endif
