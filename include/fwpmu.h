/*
 * The management API: opening the engine, transactions, and objects of the filtering platform.
 *
 * A function does what the Microsoft page of its name says; what is written here is what is needed
 * to call it, and where Linux differs. All functions but FwpmFreeMemory0 return ERROR_SUCCESS or an
 * error; OpenWfpLastErrorText (openwfp.h) then says which object is meant and what to do about it.
 *
 * What holds for all of them:
 * - engineHandle comes from FwpmEngineOpen0. Strings are UTF-16 with a NUL. IPv4 addresses and
 *   ports are numbers in host order, IPv6 addresses 16 bytes in network order.
 * - What is passed in is copied; the caller keeps it. What comes back is the caller's, who frees it
 *   with FwpmFreeMemory0. After an error results are NULL or unchanged, and nothing was changed.
 * - Outside a transaction each call is one of its own, and waits for the lock like
 *   FwpmTransactionBegin0. Changes are enforced when the call returns.
 * - Rights: adding needs FWPM_ACTRL_ADD on the kind's container and FWPM_ACTRL_ADD_LINK on what the
 *   object names (provider, layer, sublayer, callout, provider context); an enumeration needs
 *   FWPM_ACTRL_ENUM on the container, and leaves out what the caller may not read
 *   (FWPM_ACTRL_READ). The others are said with each function.
 * - Any of them can return ERROR_INVALID_HANDLE (not an engine handle), FWP_E_NULL_POINTER (a
 *   required pointer is NULL), ERROR_ACCESS_DENIED (a right is missing), FWP_E_TIMEOUT (another
 *   session holds the lock), FWP_E_TXN_ABORTED (this session's transaction was held too long),
 *   FWP_E_SESSION_ABORTED (the connection to the engine is lost: close the handle and open
 *   another), ERROR_NOT_ENOUGH_MEMORY. The others are listed with each function.
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

/*
 * Frees what a function of this library returned in *p, with all it points to, and sets *p to
 * NULL. Arrays are one piece: free the array, not its elements. p and *p may be NULL.
 */
void WINAPI FwpmFreeMemory0(void **p);

/* ---- the engine ---- */

/*
 * Opens a session with the base filtering engine. The socket's peer credentials say who calls.
 * serverName: NULL, or the path of the service's socket (NULL: the environment's OPENWFP_SOCKET,
 * else /run/openwfp/bfe.sock); authnService: RPC_C_AUTHN_WINNT or RPC_C_AUTHN_DEFAULT;
 * authIdentity is ignored; session: name, flags and txnWaitTimeoutInMSec (milliseconds), NULL for
 * all defaults. *engineHandle is closed with FwpmEngineClose0; threads may share it.
 * Errors: RPC_S_SERVER_UNAVAILABLE (no engine answers there), ERROR_ACCESS_DENIED (no
 * FWPM_ACTRL_OPEN), ERROR_NOT_SUPPORTED (another authnService), FWP_E_ALREADY_EXISTS (sessionKey
 * is taken), FWP_E_INVALID_FLAGS.
 */
DWORD WINAPI FwpmEngineOpen0(const WCHAR *serverName, UINT32 authnService,
                             SEC_WINNT_AUTH_IDENTITY_W *authIdentity, const FWPM_SESSION0 *session,
                             HANDLE *engineHandle);

/*
 * Ends the session: aborts its transaction, ends its enumerations and subscriptions, removes the
 * objects of a dynamic session. When it returns, these are gone. NULL does nothing. Not from a
 * callback of this session.
 */
DWORD WINAPI FwpmEngineClose0(HANDLE engineHandle);

/*
 * One option of the engine, in *value, an FWP_UINT32 to be freed with FwpmFreeMemory0. Needs
 * FWPM_ACTRL_READ on the engine.
 * Errors: FWP_E_OUT_OF_BOUNDS (no such option).
 */
DWORD WINAPI FwpmEngineGetOption0(HANDLE engineHandle, FWPM_ENGINE_OPTION option,
                                  FWP_VALUE0 **value);

/*
 * Sets one option; newValue is an FWP_UINT32. Not in a transaction. Needs FWPM_ACTRL_WRITE on the
 * engine.
 * Errors: FWP_E_TYPE_MISMATCH, FWP_E_OUT_OF_BOUNDS, FWP_E_TXN_IN_PROGRESS.
 */
DWORD WINAPI FwpmEngineSetOption0(HANDLE engineHandle, FWPM_ENGINE_OPTION option,
                                  const FWP_VALUE0 *newValue);

/*
 * The parts of the security descriptor of the engine that securityInfo (OWNER_, GROUP_, DACL_,
 * SACL_SECURITY_INFORMATION) asks for. *securityDescriptor is freed with FwpmFreeMemory0; the
 * other results (each may be NULL) point into it. Needs READ_CONTROL.
 */
DWORD WINAPI FwpmEngineGetSecurityInfo0(HANDLE engineHandle, SECURITY_INFORMATION securityInfo,
                                        PSID *sidOwner, PSID *sidGroup, PACL *dacl, PACL *sacl,
                                        PSECURITY_DESCRIPTOR *securityDescriptor);

/*
 * Replaces the parts of the security descriptor of the engine that securityInfo names; the others
 * may be NULL. Not in a transaction; not in a dynamic session. Needs WRITE_DAC for the list,
 * WRITE_OWNER for owner and group.
 * Errors: FWP_E_TXN_IN_PROGRESS, FWP_E_DYNAMIC_SESSION_IN_PROGRESS, FWP_E_BUILTIN_OBJECT,
 * ERROR_INVALID_SECURITY_DESCR.
 */
DWORD WINAPI FwpmEngineSetSecurityInfo0(HANDLE engineHandle, SECURITY_INFORMATION securityInfo,
                                        const SID *sidOwner, const SID *sidGroup, const ACL *dacl,
                                        const ACL *sacl);

/* ---- sessions ---- */

/*
 * Begins an enumeration: a snapshot of the sessions that the caller may read. enumTemplate
 * restricts nothing and may be NULL. *enumHandle is ended with FwpmSessionDestroyEnumHandle0.
 * Needs FWPM_ACTRL_ENUM.
 */
DWORD WINAPI FwpmSessionCreateEnumHandle0(HANDLE engineHandle,
                                          const FWPM_SESSION_ENUM_TEMPLATE0 *enumTemplate,
                                          HANDLE *enumHandle);

/*
 * The next sessions, at most numEntriesRequested; fewer than that is the end. *entries is freed as
 * a whole with FwpmFreeMemory0.
 * Errors: FWP_E_INVALID_ENUMERATOR.
 */
DWORD WINAPI FwpmSessionEnum0(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
                              FWPM_SESSION0 ***entries, UINT32 *numEntriesReturned);

/*
 * Ends an enumeration.
 * Errors: FWP_E_INVALID_ENUMERATOR (no such handle), FWP_E_WRONG_SESSION.
 */
DWORD WINAPI FwpmSessionDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle);

/* ---- transactions ---- */

/*
 * Begins a transaction of this session: what is done until its end is seen, and enforced, all at
 * once or not at all. flags: 0, or FWPM_TXN_READ_ONLY for a consistent view without changes. There
 * is one writer, or any number of readers; the call waits for the lock as long as the session's
 * txnWaitTimeoutInMSec says. A user-mode transaction is aborted after one hour.
 * Errors: FWP_E_TXN_IN_PROGRESS (transactions do not nest), FWP_E_TIMEOUT, FWP_E_INVALID_FLAGS.
 */
DWORD WINAPI FwpmTransactionBegin0(HANDLE engineHandle, UINT32 flags);

/*
 * Ends the transaction and makes its changes valid: the kernel goes over from the old policy to
 * the new one in a single step. After an error nothing has changed and the transaction is over.
 * Errors: FWP_E_NO_TXN_IN_PROGRESS, FWP_E_TXN_ABORTED (it was held too long), ERROR_NOT_SUPPORTED
 * or ERROR_GEN_FAILURE (the kernel can't enforce or refused the policy).
 */
DWORD WINAPI FwpmTransactionCommit0(HANDLE engineHandle);

/*
 * Ends the transaction without its changes.
 * Errors: FWP_E_NO_TXN_IN_PROGRESS, FWP_E_TXN_ABORTED.
 */
DWORD WINAPI FwpmTransactionAbort0(HANDLE engineHandle);

/* ---- providers ---- */

/*
 * Adds a provider. It must exist before objects name it in providerKey. sd: its security
 * descriptor, self-relative; NULL: the container's applies and the caller owns it.
 * Errors: FWP_E_ALREADY_EXISTS (the key is taken), FWP_E_NULL_DISPLAY_NAME, FWP_E_INVALID_FLAGS,
 * FWP_E_DYNAMIC_SESSION_IN_PROGRESS (a persistent object in a dynamic session),
 * FWP_E_INCOMPATIBLE_TXN (a read-only transaction), ERROR_INVALID_SECURITY_DESCR.
 */
DWORD WINAPI FwpmProviderAdd0(HANDLE engineHandle, const FWPM_PROVIDER0 *provider,
                              PSECURITY_DESCRIPTOR sd);

/*
 * Deletes a provider. Needs DELETE on it.
 * Errors: FWP_E_PROVIDER_NOT_FOUND, FWP_E_IN_USE (other objects name it), FWP_E_BUILTIN_OBJECT,
 * FWP_E_INCOMPATIBLE_TXN (a read-only transaction).
 */
DWORD WINAPI FwpmProviderDeleteByKey0(HANDLE engineHandle, const GUID *key);

/*
 * A provider by its key. *provider is freed with FwpmFreeMemory0. Needs FWPM_ACTRL_READ on it.
 * Errors: FWP_E_PROVIDER_NOT_FOUND.
 */
DWORD WINAPI FwpmProviderGetByKey0(HANDLE engineHandle, const GUID *key, FWPM_PROVIDER0 **provider);

/*
 * Begins an enumeration: a snapshot of the providers that the caller may read. enumTemplate
 * restricts nothing and may be NULL. *enumHandle is ended with FwpmProviderDestroyEnumHandle0.
 * Needs FWPM_ACTRL_ENUM.
 */
DWORD WINAPI FwpmProviderCreateEnumHandle0(HANDLE engineHandle,
                                           const FWPM_PROVIDER_ENUM_TEMPLATE0 *enumTemplate,
                                           HANDLE *enumHandle);

/*
 * The next providers, at most numEntriesRequested; fewer than that is the end. *entries is freed
 * as a whole with FwpmFreeMemory0.
 * Errors: FWP_E_INVALID_ENUMERATOR.
 */
DWORD WINAPI FwpmProviderEnum0(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
                               FWPM_PROVIDER0 ***entries, UINT32 *numEntriesReturned);

/*
 * Ends an enumeration.
 * Errors: FWP_E_INVALID_ENUMERATOR (no such handle), FWP_E_WRONG_SESSION.
 */
DWORD WINAPI FwpmProviderDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle);

/*
 * The parts of the security descriptor of a provider, or with key NULL of the container of all
 * providers that securityInfo (OWNER_, GROUP_, DACL_, SACL_SECURITY_INFORMATION) asks for.
 * *securityDescriptor is freed with FwpmFreeMemory0; the other results (each may be NULL) point
 * into it. Needs READ_CONTROL.
 */
DWORD WINAPI FwpmProviderGetSecurityInfoByKey0(HANDLE engineHandle, const GUID *key,
                                               SECURITY_INFORMATION securityInfo, PSID *sidOwner,
                                               PSID *sidGroup, PACL *dacl, PACL *sacl,
                                               PSECURITY_DESCRIPTOR *securityDescriptor);

/*
 * Replaces the parts of the security descriptor of a provider, or with key NULL of the container
 * of all providers that securityInfo names; the others may be NULL. Not in a transaction; in a
 * dynamic session only of its own objects. Needs WRITE_DAC for the list, WRITE_OWNER for owner and
 * group.
 * Errors: FWP_E_TXN_IN_PROGRESS, FWP_E_DYNAMIC_SESSION_IN_PROGRESS, FWP_E_BUILTIN_OBJECT,
 * ERROR_INVALID_SECURITY_DESCR.
 */
DWORD WINAPI FwpmProviderSetSecurityInfoByKey0(HANDLE engineHandle, const GUID *key,
                                               SECURITY_INFORMATION securityInfo,
                                               const SID *sidOwner, const SID *sidGroup,
                                               const ACL *dacl, const ACL *sacl);

/*
 * Calls callback, on a thread of the library, for each provider that other sessions add or delete
 * and subscription selects (enumTemplate NULL: any; flags: FWPM_SUBSCRIPTION_FLAG_NOTIFY_ON_*),
 * after its transaction was committed. Not in a transaction. Needs FWPM_ACTRL_SUBSCRIBE.
 * *changeHandle is ended with FwpmProviderUnsubscribeChanges0.
 * Errors: FWP_E_INVALID_FLAGS (no flag, or an unknown one), FWP_E_TXN_IN_PROGRESS,
 * FWP_E_NEVER_MATCH.
 */
DWORD WINAPI FwpmProviderSubscribeChanges0(HANDLE engineHandle,
                                           const FWPM_PROVIDER_SUBSCRIPTION0 *subscription,
                                           FWPM_PROVIDER_CHANGE_CALLBACK0 callback, void *context,
                                           HANDLE *changeHandle);

/*
 * Ends a subscription; when it returns, the callback is not running and not called again. Called
 * from the callback itself it returns at once. Not in a transaction.
 * Errors: FWP_E_NOT_FOUND, FWP_E_WRONG_SESSION, FWP_E_TXN_IN_PROGRESS.
 */
DWORD WINAPI FwpmProviderUnsubscribeChanges0(HANDLE engineHandle, HANDLE changeHandle);

/*
 * The subscriptions to changes of providers of this session, as an array to be freed with
 * FwpmFreeMemory0.
 */
DWORD WINAPI FwpmProviderSubscriptionsGet0(HANDLE engineHandle,
                                           FWPM_PROVIDER_SUBSCRIPTION0 ***entries,
                                           UINT32 *numEntries);

/* ---- provider contexts ---- */

/*
 * Adds a provider context: data that filters hand to their callouts. Linux has the types
 * FWPM_GENERAL_CONTEXT (dataBuffer, not looked into) and FWPM_CLASSIFY_OPTIONS_CONTEXT. sd as in
 * FwpmProviderAdd0; *id, may be NULL, takes its id.
 * Errors: as FwpmSubLayerAdd0, and ERROR_NOT_SUPPORTED (the types of IPsec), FWP_E_NULL_POINTER
 * (the type's member is NULL), FWP_E_OUT_OF_BOUNDS (no such type or option),
 * FWP_E_ZERO_LENGTH_ARRAY.
 */
DWORD WINAPI FwpmProviderContextAdd0(HANDLE engineHandle,
                                     const FWPM_PROVIDER_CONTEXT0 *providerContext,
                                     PSECURITY_DESCRIPTOR sd, UINT64 *id);

/* FwpmProviderContextAdd0 with FWPM_PROVIDER_CONTEXT1; on Linux both do the same. */
DWORD WINAPI FwpmProviderContextAdd1(HANDLE engineHandle,
                                     const FWPM_PROVIDER_CONTEXT1 *providerContext,
                                     PSECURITY_DESCRIPTOR sd, UINT64 *id);

/* FwpmProviderContextAdd0 with FWPM_PROVIDER_CONTEXT2; on Linux both do the same. */
DWORD WINAPI FwpmProviderContextAdd2(HANDLE engineHandle,
                                     const FWPM_PROVIDER_CONTEXT2 *providerContext,
                                     PSECURITY_DESCRIPTOR sd, UINT64 *id);

/* FwpmProviderContextAdd0 with FWPM_PROVIDER_CONTEXT3; on Linux both do the same. */
DWORD WINAPI FwpmProviderContextAdd3(HANDLE engineHandle,
                                     const FWPM_PROVIDER_CONTEXT3 *providerContext,
                                     PSECURITY_DESCRIPTOR sd, UINT64 *id);

/* FwpmProviderContextDeleteByKey0 by id. */
DWORD WINAPI FwpmProviderContextDeleteById0(HANDLE engineHandle, UINT64 id);

/*
 * Deletes a provider context. Needs DELETE on it.
 * Errors: FWP_E_PROVIDER_CONTEXT_NOT_FOUND, FWP_E_IN_USE (other objects name it),
 * FWP_E_BUILTIN_OBJECT, FWP_E_INCOMPATIBLE_TXN (a read-only transaction).
 */
DWORD WINAPI FwpmProviderContextDeleteByKey0(HANDLE engineHandle, const GUID *key);

/*
 * A provider context by its id. *providerContext is freed with FwpmFreeMemory0. Needs
 * FWPM_ACTRL_READ on it.
 * Errors: FWP_E_PROVIDER_CONTEXT_NOT_FOUND.
 */
DWORD WINAPI FwpmProviderContextGetById0(HANDLE engineHandle, UINT64 id,
                                         FWPM_PROVIDER_CONTEXT0 **providerContext);

/* FwpmProviderContextGetById0 with FWPM_PROVIDER_CONTEXT1. */
DWORD WINAPI FwpmProviderContextGetById1(HANDLE engineHandle, UINT64 id,
                                         FWPM_PROVIDER_CONTEXT1 **providerContext);

/* FwpmProviderContextGetById0 with FWPM_PROVIDER_CONTEXT2. */
DWORD WINAPI FwpmProviderContextGetById2(HANDLE engineHandle, UINT64 id,
                                         FWPM_PROVIDER_CONTEXT2 **providerContext);

/* FwpmProviderContextGetById0 with FWPM_PROVIDER_CONTEXT3. */
DWORD WINAPI FwpmProviderContextGetById3(HANDLE engineHandle, UINT64 id,
                                         FWPM_PROVIDER_CONTEXT3 **providerContext);

/*
 * A provider context by its key. *providerContext is freed with FwpmFreeMemory0. Needs
 * FWPM_ACTRL_READ on it.
 * Errors: FWP_E_PROVIDER_CONTEXT_NOT_FOUND.
 */
DWORD WINAPI FwpmProviderContextGetByKey0(HANDLE engineHandle, const GUID *key,
                                          FWPM_PROVIDER_CONTEXT0 **providerContext);

/* FwpmProviderContextGetByKey0 with FWPM_PROVIDER_CONTEXT1. */
DWORD WINAPI FwpmProviderContextGetByKey1(HANDLE engineHandle, const GUID *key,
                                          FWPM_PROVIDER_CONTEXT1 **providerContext);

/* FwpmProviderContextGetByKey0 with FWPM_PROVIDER_CONTEXT2. */
DWORD WINAPI FwpmProviderContextGetByKey2(HANDLE engineHandle, const GUID *key,
                                          FWPM_PROVIDER_CONTEXT2 **providerContext);

/* FwpmProviderContextGetByKey0 with FWPM_PROVIDER_CONTEXT3. */
DWORD WINAPI FwpmProviderContextGetByKey3(HANDLE engineHandle, const GUID *key,
                                          FWPM_PROVIDER_CONTEXT3 **providerContext);

/*
 * Begins an enumeration: a snapshot of the provider contexts that the caller may read.
 * enumTemplate: of one provider and one type; NULL: all. *enumHandle is ended with
 * FwpmProviderContextDestroyEnumHandle0. Needs FWPM_ACTRL_ENUM.
 * Errors: FWP_E_NEVER_MATCH (no such provider or layer can be).
 */
DWORD WINAPI FwpmProviderContextCreateEnumHandle0(
    HANDLE engineHandle, const FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0 *enumTemplate,
    HANDLE *enumHandle);

/*
 * The next provider contexts, at most numEntriesRequested; fewer than that is the end. *entries is
 * freed as a whole with FwpmFreeMemory0.
 * Errors: FWP_E_INVALID_ENUMERATOR.
 */
DWORD WINAPI FwpmProviderContextEnum0(HANDLE engineHandle, HANDLE enumHandle,
                                      UINT32 numEntriesRequested, FWPM_PROVIDER_CONTEXT0 ***entries,
                                      UINT32 *numEntriesReturned);

/* FwpmProviderContextEnum0 with FWPM_PROVIDER_CONTEXT1. */
DWORD WINAPI FwpmProviderContextEnum1(HANDLE engineHandle, HANDLE enumHandle,
                                      UINT32 numEntriesRequested, FWPM_PROVIDER_CONTEXT1 ***entries,
                                      UINT32 *numEntriesReturned);

/* FwpmProviderContextEnum0 with FWPM_PROVIDER_CONTEXT2. */
DWORD WINAPI FwpmProviderContextEnum2(HANDLE engineHandle, HANDLE enumHandle,
                                      UINT32 numEntriesRequested, FWPM_PROVIDER_CONTEXT2 ***entries,
                                      UINT32 *numEntriesReturned);

/* FwpmProviderContextEnum0 with FWPM_PROVIDER_CONTEXT3. */
DWORD WINAPI FwpmProviderContextEnum3(HANDLE engineHandle, HANDLE enumHandle,
                                      UINT32 numEntriesRequested, FWPM_PROVIDER_CONTEXT3 ***entries,
                                      UINT32 *numEntriesReturned);

/*
 * Ends an enumeration.
 * Errors: FWP_E_INVALID_ENUMERATOR (no such handle), FWP_E_WRONG_SESSION.
 */
DWORD WINAPI FwpmProviderContextDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle);

/*
 * The parts of the security descriptor of a provider context, or with key NULL of the container of
 * all provider contexts that securityInfo (OWNER_, GROUP_, DACL_, SACL_SECURITY_INFORMATION) asks
 * for. *securityDescriptor is freed with FwpmFreeMemory0; the other results (each may be NULL)
 * point into it. Needs READ_CONTROL.
 */
DWORD WINAPI FwpmProviderContextGetSecurityInfoByKey0(HANDLE engineHandle, const GUID *key,
                                                      SECURITY_INFORMATION securityInfo,
                                                      PSID *sidOwner, PSID *sidGroup, PACL *dacl,
                                                      PACL *sacl,
                                                      PSECURITY_DESCRIPTOR *securityDescriptor);

/*
 * Replaces the parts of the security descriptor of a provider context, or with key NULL of the
 * container of all provider contexts that securityInfo names; the others may be NULL. Not in a
 * transaction; in a dynamic session only of its own objects. Needs WRITE_DAC for the list,
 * WRITE_OWNER for owner and group.
 * Errors: FWP_E_TXN_IN_PROGRESS, FWP_E_DYNAMIC_SESSION_IN_PROGRESS, FWP_E_BUILTIN_OBJECT,
 * ERROR_INVALID_SECURITY_DESCR.
 */
DWORD WINAPI FwpmProviderContextSetSecurityInfoByKey0(HANDLE engineHandle, const GUID *key,
                                                      SECURITY_INFORMATION securityInfo,
                                                      const SID *sidOwner, const SID *sidGroup,
                                                      const ACL *dacl, const ACL *sacl);

/*
 * Calls callback, on a thread of the library, for each provider context that other sessions add or
 * delete and subscription selects (enumTemplate NULL: any; flags:
 * FWPM_SUBSCRIPTION_FLAG_NOTIFY_ON_*), after its transaction was committed. Not in a transaction.
 * Needs FWPM_ACTRL_SUBSCRIBE. *changeHandle is ended with FwpmProviderContextUnsubscribeChanges0.
 * Errors: FWP_E_INVALID_FLAGS (no flag, or an unknown one), FWP_E_TXN_IN_PROGRESS,
 * FWP_E_NEVER_MATCH.
 */
DWORD WINAPI FwpmProviderContextSubscribeChanges0(
    HANDLE engineHandle, const FWPM_PROVIDER_CONTEXT_SUBSCRIPTION0 *subscription,
    FWPM_PROVIDER_CONTEXT_CHANGE_CALLBACK0 callback, void *context, HANDLE *changeHandle);

/*
 * Ends a subscription; when it returns, the callback is not running and not called again. Called
 * from the callback itself it returns at once. Not in a transaction.
 * Errors: FWP_E_NOT_FOUND, FWP_E_WRONG_SESSION, FWP_E_TXN_IN_PROGRESS.
 */
DWORD WINAPI FwpmProviderContextUnsubscribeChanges0(HANDLE engineHandle, HANDLE changeHandle);

/*
 * The subscriptions to changes of provider contexts of this session, as an array to be freed with
 * FwpmFreeMemory0.
 */
DWORD WINAPI FwpmProviderContextSubscriptionsGet0(HANDLE engineHandle,
                                                  FWPM_PROVIDER_CONTEXT_SUBSCRIPTION0 ***entries,
                                                  UINT32 *numEntries);

/* ---- sublayers ---- */

/*
 * Adds a sublayer to every layer. Heavier ones are asked first; of equal weights the one with the
 * smaller GUID, byte by byte. sd as in FwpmProviderAdd0.
 * Errors: as FwpmProviderAdd0, and FWP_E_PROVIDER_NOT_FOUND, FWP_E_LIFETIME_MISMATCH (it would
 * outlive its provider), FWP_E_TOO_MANY_SUBLAYERS.
 */
DWORD WINAPI FwpmSubLayerAdd0(HANDLE engineHandle, const FWPM_SUBLAYER0 *subLayer,
                              PSECURITY_DESCRIPTOR sd);

/*
 * Deletes a sublayer. Needs DELETE on it.
 * Errors: FWP_E_SUBLAYER_NOT_FOUND, FWP_E_IN_USE (other objects name it), FWP_E_BUILTIN_OBJECT,
 * FWP_E_INCOMPATIBLE_TXN (a read-only transaction).
 */
DWORD WINAPI FwpmSubLayerDeleteByKey0(HANDLE engineHandle, const GUID *key);

/*
 * A sublayer by its key. *subLayer is freed with FwpmFreeMemory0. Needs FWPM_ACTRL_READ on it.
 * Errors: FWP_E_SUBLAYER_NOT_FOUND.
 */
DWORD WINAPI FwpmSubLayerGetByKey0(HANDLE engineHandle, const GUID *key, FWPM_SUBLAYER0 **subLayer);

/*
 * Begins an enumeration: a snapshot of the sublayers that the caller may read. enumTemplate: of
 * one provider; NULL: all. *enumHandle is ended with FwpmSubLayerDestroyEnumHandle0. Needs
 * FWPM_ACTRL_ENUM.
 * Errors: FWP_E_NEVER_MATCH (no such provider or layer can be).
 */
DWORD WINAPI FwpmSubLayerCreateEnumHandle0(HANDLE engineHandle,
                                           const FWPM_SUBLAYER_ENUM_TEMPLATE0 *enumTemplate,
                                           HANDLE *enumHandle);

/*
 * The next sublayers, at most numEntriesRequested; fewer than that is the end. *entries is freed
 * as a whole with FwpmFreeMemory0.
 * Errors: FWP_E_INVALID_ENUMERATOR.
 */
DWORD WINAPI FwpmSubLayerEnum0(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
                               FWPM_SUBLAYER0 ***entries, UINT32 *numEntriesReturned);

/*
 * Ends an enumeration.
 * Errors: FWP_E_INVALID_ENUMERATOR (no such handle), FWP_E_WRONG_SESSION.
 */
DWORD WINAPI FwpmSubLayerDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle);

/*
 * The parts of the security descriptor of a sublayer, or with key NULL of the container of all
 * sublayers that securityInfo (OWNER_, GROUP_, DACL_, SACL_SECURITY_INFORMATION) asks for.
 * *securityDescriptor is freed with FwpmFreeMemory0; the other results (each may be NULL) point
 * into it. Needs READ_CONTROL.
 */
DWORD WINAPI FwpmSubLayerGetSecurityInfoByKey0(HANDLE engineHandle, const GUID *key,
                                               SECURITY_INFORMATION securityInfo, PSID *sidOwner,
                                               PSID *sidGroup, PACL *dacl, PACL *sacl,
                                               PSECURITY_DESCRIPTOR *securityDescriptor);

/*
 * Replaces the parts of the security descriptor of a sublayer, or with key NULL of the container
 * of all sublayers that securityInfo names; the others may be NULL. Not in a transaction; in a
 * dynamic session only of its own objects. Needs WRITE_DAC for the list, WRITE_OWNER for owner and
 * group.
 * Errors: FWP_E_TXN_IN_PROGRESS, FWP_E_DYNAMIC_SESSION_IN_PROGRESS, FWP_E_BUILTIN_OBJECT,
 * ERROR_INVALID_SECURITY_DESCR.
 */
DWORD WINAPI FwpmSubLayerSetSecurityInfoByKey0(HANDLE engineHandle, const GUID *key,
                                               SECURITY_INFORMATION securityInfo,
                                               const SID *sidOwner, const SID *sidGroup,
                                               const ACL *dacl, const ACL *sacl);

/*
 * Calls callback, on a thread of the library, for each sublayer that other sessions add or delete
 * and subscription selects (enumTemplate NULL: any; flags: FWPM_SUBSCRIPTION_FLAG_NOTIFY_ON_*),
 * after its transaction was committed. Not in a transaction. Needs FWPM_ACTRL_SUBSCRIBE.
 * *changeHandle is ended with FwpmSubLayerUnsubscribeChanges0.
 * Errors: FWP_E_INVALID_FLAGS (no flag, or an unknown one), FWP_E_TXN_IN_PROGRESS,
 * FWP_E_NEVER_MATCH.
 */
DWORD WINAPI FwpmSubLayerSubscribeChanges0(HANDLE engineHandle,
                                           const FWPM_SUBLAYER_SUBSCRIPTION0 *subscription,
                                           FWPM_SUBLAYER_CHANGE_CALLBACK0 callback, void *context,
                                           HANDLE *changeHandle);

/*
 * Ends a subscription; when it returns, the callback is not running and not called again. Called
 * from the callback itself it returns at once. Not in a transaction.
 * Errors: FWP_E_NOT_FOUND, FWP_E_WRONG_SESSION, FWP_E_TXN_IN_PROGRESS.
 */
DWORD WINAPI FwpmSubLayerUnsubscribeChanges0(HANDLE engineHandle, HANDLE changeHandle);

/*
 * The subscriptions to changes of sublayers of this session, as an array to be freed with
 * FwpmFreeMemory0.
 */
DWORD WINAPI FwpmSubLayerSubscriptionsGet0(HANDLE engineHandle,
                                           FWPM_SUBLAYER_SUBSCRIPTION0 ***entries,
                                           UINT32 *numEntries);

/* ---- layers ---- */

/*
 * A layer by its run-time id, FWPS_LAYER_*. *layer is freed with FwpmFreeMemory0.
 * Errors: FWP_E_LAYER_NOT_FOUND.
 */
DWORD WINAPI FwpmLayerGetById0(HANDLE engineHandle, UINT16 id, FWPM_LAYER0 **layer);

/*
 * A layer by its key. *layer is freed with FwpmFreeMemory0. Needs FWPM_ACTRL_READ on it.
 * Errors: FWP_E_LAYER_NOT_FOUND.
 */
DWORD WINAPI FwpmLayerGetByKey0(HANDLE engineHandle, const GUID *key, FWPM_LAYER0 **layer);

/*
 * Begins an enumeration: a snapshot of the layers that the caller may read. enumTemplate restricts
 * nothing and may be NULL. *enumHandle is ended with FwpmLayerDestroyEnumHandle0. Needs
 * FWPM_ACTRL_ENUM.
 */
DWORD WINAPI FwpmLayerCreateEnumHandle0(HANDLE engineHandle,
                                        const FWPM_LAYER_ENUM_TEMPLATE0 *enumTemplate,
                                        HANDLE *enumHandle);

/*
 * The next layers, at most numEntriesRequested; fewer than that is the end. *entries is freed as a
 * whole with FwpmFreeMemory0.
 * Errors: FWP_E_INVALID_ENUMERATOR.
 */
DWORD WINAPI FwpmLayerEnum0(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
                            FWPM_LAYER0 ***entries, UINT32 *numEntriesReturned);

/*
 * Ends an enumeration.
 * Errors: FWP_E_INVALID_ENUMERATOR (no such handle), FWP_E_WRONG_SESSION.
 */
DWORD WINAPI FwpmLayerDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle);

/*
 * The parts of the security descriptor of a layer, or with key NULL of the container of all layers
 * that securityInfo (OWNER_, GROUP_, DACL_, SACL_SECURITY_INFORMATION) asks for.
 * *securityDescriptor is freed with FwpmFreeMemory0; the other results (each may be NULL) point
 * into it. Needs READ_CONTROL.
 */
DWORD WINAPI FwpmLayerGetSecurityInfoByKey0(HANDLE engineHandle, const GUID *key,
                                            SECURITY_INFORMATION securityInfo, PSID *sidOwner,
                                            PSID *sidGroup, PACL *dacl, PACL *sacl,
                                            PSECURITY_DESCRIPTOR *securityDescriptor);

/*
 * Replaces the parts of the security descriptor of a layer, or with key NULL of the container of
 * all layers that securityInfo names; the others may be NULL. Not in a transaction; in a dynamic
 * session only of its own objects. Needs WRITE_DAC for the list, WRITE_OWNER for owner and group.
 * Errors: FWP_E_TXN_IN_PROGRESS, FWP_E_DYNAMIC_SESSION_IN_PROGRESS, FWP_E_BUILTIN_OBJECT,
 * ERROR_INVALID_SECURITY_DESCR.
 */
DWORD WINAPI FwpmLayerSetSecurityInfoByKey0(HANDLE engineHandle, const GUID *key,
                                            SECURITY_INFORMATION securityInfo, const SID *sidOwner,
                                            const SID *sidGroup, const ACL *dacl, const ACL *sacl);

/* ---- callouts ---- */

/*
 * Adds a callout: a name by which filters at callout->applicableLayer call code. Code is loaded
 * with OpenWfpCalloutLoad (openwfp.h), before or after; until then its filters block, or permit
 * with FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED. sd as in FwpmProviderAdd0; *id, may be
 * NULL, takes the run-time id.
 * Errors: as FwpmSubLayerAdd0, and FWP_E_LAYER_NOT_FOUND, FWP_E_TOO_MANY_CALLOUTS.
 */
DWORD WINAPI FwpmCalloutAdd0(HANDLE engineHandle, const FWPM_CALLOUT0 *callout,
                             PSECURITY_DESCRIPTOR sd, UINT32 *id);

/* FwpmCalloutDeleteByKey0 by id. */
DWORD WINAPI FwpmCalloutDeleteById0(HANDLE engineHandle, UINT32 id);

/*
 * Deletes a callout. Needs DELETE on it.
 * Errors: FWP_E_CALLOUT_NOT_FOUND, FWP_E_IN_USE (other objects name it), FWP_E_BUILTIN_OBJECT,
 * FWP_E_INCOMPATIBLE_TXN (a read-only transaction).
 */
DWORD WINAPI FwpmCalloutDeleteByKey0(HANDLE engineHandle, const GUID *key);

/*
 * A callout by its id. *callout is freed with FwpmFreeMemory0. Needs FWPM_ACTRL_READ on it.
 * Errors: FWP_E_CALLOUT_NOT_FOUND.
 */
DWORD WINAPI FwpmCalloutGetById0(HANDLE engineHandle, UINT32 id, FWPM_CALLOUT0 **callout);

/*
 * A callout by its key. *callout is freed with FwpmFreeMemory0. Needs FWPM_ACTRL_READ on it.
 * Errors: FWP_E_CALLOUT_NOT_FOUND.
 */
DWORD WINAPI FwpmCalloutGetByKey0(HANDLE engineHandle, const GUID *key, FWPM_CALLOUT0 **callout);

/*
 * Begins an enumeration: a snapshot of the callouts that the caller may read. enumTemplate: of one
 * provider and one layer; NULL: all. *enumHandle is ended with FwpmCalloutDestroyEnumHandle0.
 * Needs FWPM_ACTRL_ENUM.
 * Errors: FWP_E_NEVER_MATCH (no such provider or layer can be).
 */
DWORD WINAPI FwpmCalloutCreateEnumHandle0(HANDLE engineHandle,
                                          const FWPM_CALLOUT_ENUM_TEMPLATE0 *enumTemplate,
                                          HANDLE *enumHandle);

/*
 * The next callouts, at most numEntriesRequested; fewer than that is the end. *entries is freed as
 * a whole with FwpmFreeMemory0.
 * Errors: FWP_E_INVALID_ENUMERATOR.
 */
DWORD WINAPI FwpmCalloutEnum0(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
                              FWPM_CALLOUT0 ***entries, UINT32 *numEntriesReturned);

/*
 * Ends an enumeration.
 * Errors: FWP_E_INVALID_ENUMERATOR (no such handle), FWP_E_WRONG_SESSION.
 */
DWORD WINAPI FwpmCalloutDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle);

/*
 * The parts of the security descriptor of a callout, or with key NULL of the container of all
 * callouts that securityInfo (OWNER_, GROUP_, DACL_, SACL_SECURITY_INFORMATION) asks for.
 * *securityDescriptor is freed with FwpmFreeMemory0; the other results (each may be NULL) point
 * into it. Needs READ_CONTROL.
 */
DWORD WINAPI FwpmCalloutGetSecurityInfoByKey0(HANDLE engineHandle, const GUID *key,
                                              SECURITY_INFORMATION securityInfo, PSID *sidOwner,
                                              PSID *sidGroup, PACL *dacl, PACL *sacl,
                                              PSECURITY_DESCRIPTOR *securityDescriptor);

/*
 * Replaces the parts of the security descriptor of a callout, or with key NULL of the container of
 * all callouts that securityInfo names; the others may be NULL. Not in a transaction; in a dynamic
 * session only of its own objects. Needs WRITE_DAC for the list, WRITE_OWNER for owner and group.
 * Errors: FWP_E_TXN_IN_PROGRESS, FWP_E_DYNAMIC_SESSION_IN_PROGRESS, FWP_E_BUILTIN_OBJECT,
 * ERROR_INVALID_SECURITY_DESCR.
 */
DWORD WINAPI FwpmCalloutSetSecurityInfoByKey0(HANDLE engineHandle, const GUID *key,
                                              SECURITY_INFORMATION securityInfo,
                                              const SID *sidOwner, const SID *sidGroup,
                                              const ACL *dacl, const ACL *sacl);

/*
 * Calls callback, on a thread of the library, for each callout that other sessions add or delete
 * and subscription selects (enumTemplate NULL: any; flags: FWPM_SUBSCRIPTION_FLAG_NOTIFY_ON_*),
 * after its transaction was committed. Not in a transaction. Needs FWPM_ACTRL_SUBSCRIBE.
 * *changeHandle is ended with FwpmCalloutUnsubscribeChanges0.
 * Errors: FWP_E_INVALID_FLAGS (no flag, or an unknown one), FWP_E_TXN_IN_PROGRESS,
 * FWP_E_NEVER_MATCH.
 */
DWORD WINAPI FwpmCalloutSubscribeChanges0(HANDLE engineHandle,
                                          const FWPM_CALLOUT_SUBSCRIPTION0 *subscription,
                                          FWPM_CALLOUT_CHANGE_CALLBACK0 callback, void *context,
                                          HANDLE *changeHandle);

/*
 * Ends a subscription; when it returns, the callback is not running and not called again. Called
 * from the callback itself it returns at once. Not in a transaction.
 * Errors: FWP_E_NOT_FOUND, FWP_E_WRONG_SESSION, FWP_E_TXN_IN_PROGRESS.
 */
DWORD WINAPI FwpmCalloutUnsubscribeChanges0(HANDLE engineHandle, HANDLE changeHandle);

/*
 * The subscriptions to changes of callouts of this session, as an array to be freed with
 * FwpmFreeMemory0.
 */
DWORD WINAPI FwpmCalloutSubscriptionsGet0(HANDLE engineHandle,
                                          FWPM_CALLOUT_SUBSCRIPTION0 ***entries,
                                          UINT32 *numEntries);

/* ---- filters ---- */

/*
 * Adds a filter at filter->layerKey in filter->subLayerKey (zeros: the default sublayer).
 * Conditions on one field stand next to each other and are alternatives; different fields must all
 * match. Which conditions a layer takes, with which types, is in docs/layers.md. sd as in
 * FwpmProviderAdd0; *id, may be NULL, takes the id that net events name.
 * Errors: as FwpmSubLayerAdd0, and FWP_E_LAYER_NOT_FOUND, ERROR_NOT_SUPPORTED (a layer that
 * OpenWFP does not enforce), FWP_E_SUBLAYER_NOT_FOUND, FWP_E_CALLOUT_NOT_FOUND,
 * FWP_E_PROVIDER_CONTEXT_NOT_FOUND, FWP_E_CONDITION_NOT_FOUND, FWP_E_DUPLICATE_CONDITION (one
 * field in two places), FWP_E_TYPE_MISMATCH, FWP_E_MATCH_TYPE_MISMATCH, FWP_E_INVALID_RANGE,
 * FWP_E_INVALID_NET_MASK, FWP_E_INVALID_WEIGHT, FWP_E_INVALID_ACTION_TYPE,
 * FWP_E_ACTION_INCOMPATIBLE_WITH_SUBLAYER, FWP_E_INCOMPATIBLE_LAYER (the callout is another
 * layer's), ERROR_INVALID_SECURITY_DESCR (also of a condition: it must be self-relative).
 */
DWORD WINAPI FwpmFilterAdd0(HANDLE engineHandle, const FWPM_FILTER0 *filter,
                            PSECURITY_DESCRIPTOR sd, UINT64 *id);

/* FwpmFilterDeleteByKey0 by id. */
DWORD WINAPI FwpmFilterDeleteById0(HANDLE engineHandle, UINT64 id);

/*
 * Deletes a filter. Needs DELETE on it.
 * Errors: FWP_E_FILTER_NOT_FOUND, FWP_E_INCOMPATIBLE_TXN (a read-only transaction).
 */
DWORD WINAPI FwpmFilterDeleteByKey0(HANDLE engineHandle, const GUID *key);

/*
 * A filter by its id. *filter is freed with FwpmFreeMemory0. Needs FWPM_ACTRL_READ on it.
 * Errors: FWP_E_FILTER_NOT_FOUND.
 */
DWORD WINAPI FwpmFilterGetById0(HANDLE engineHandle, UINT64 id, FWPM_FILTER0 **filter);

/*
 * A filter by its key. *filter is freed with FwpmFreeMemory0. Needs FWPM_ACTRL_READ on it.
 * Errors: FWP_E_FILTER_NOT_FOUND.
 */
DWORD WINAPI FwpmFilterGetByKey0(HANDLE engineHandle, const GUID *key, FWPM_FILTER0 **filter);

/*
 * Begins an enumeration: a snapshot of the filters that the caller may read. enumTemplate: see
 * FWPM_FILTER_ENUM_TEMPLATE0; without flags boot-time and disabled filters are left out, and the
 * order is that of their addition; NULL: all. *enumHandle is ended with
 * FwpmFilterDestroyEnumHandle0. Needs FWPM_ACTRL_ENUM.
 * Errors: FWP_E_LAYER_NOT_FOUND, FWP_E_NEVER_MATCH, FWP_E_OUT_OF_BOUNDS,
 * FWP_E_DUPLICATE_CONDITION, and those of FwpmFilterAdd0 for conditions.
 */
DWORD WINAPI FwpmFilterCreateEnumHandle0(HANDLE engineHandle,
                                         const FWPM_FILTER_ENUM_TEMPLATE0 *enumTemplate,
                                         HANDLE *enumHandle);

/*
 * The next filters, at most numEntriesRequested; fewer than that is the end. *entries is freed as
 * a whole with FwpmFreeMemory0.
 * Errors: FWP_E_INVALID_ENUMERATOR.
 */
DWORD WINAPI FwpmFilterEnum0(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
                             FWPM_FILTER0 ***entries, UINT32 *numEntriesReturned);

/*
 * Ends an enumeration.
 * Errors: FWP_E_INVALID_ENUMERATOR (no such handle), FWP_E_WRONG_SESSION.
 */
DWORD WINAPI FwpmFilterDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle);

/*
 * The parts of the security descriptor of a filter, or with key NULL of the container of all
 * filters that securityInfo (OWNER_, GROUP_, DACL_, SACL_SECURITY_INFORMATION) asks for.
 * *securityDescriptor is freed with FwpmFreeMemory0; the other results (each may be NULL) point
 * into it. Needs READ_CONTROL.
 */
DWORD WINAPI FwpmFilterGetSecurityInfoByKey0(HANDLE engineHandle, const GUID *key,
                                             SECURITY_INFORMATION securityInfo, PSID *sidOwner,
                                             PSID *sidGroup, PACL *dacl, PACL *sacl,
                                             PSECURITY_DESCRIPTOR *securityDescriptor);

/*
 * Replaces the parts of the security descriptor of a filter, or with key NULL of the container of
 * all filters that securityInfo names; the others may be NULL. Not in a transaction; in a dynamic
 * session only of its own objects. Needs WRITE_DAC for the list, WRITE_OWNER for owner and group.
 * Errors: FWP_E_TXN_IN_PROGRESS, FWP_E_DYNAMIC_SESSION_IN_PROGRESS, FWP_E_BUILTIN_OBJECT,
 * ERROR_INVALID_SECURITY_DESCR.
 */
DWORD WINAPI FwpmFilterSetSecurityInfoByKey0(HANDLE engineHandle, const GUID *key,
                                             SECURITY_INFORMATION securityInfo, const SID *sidOwner,
                                             const SID *sidGroup, const ACL *dacl, const ACL *sacl);

/*
 * Calls callback, on a thread of the library, for each filter that other sessions add or delete
 * and subscription selects (enumTemplate NULL: any; flags: FWPM_SUBSCRIPTION_FLAG_NOTIFY_ON_*),
 * after its transaction was committed. Not in a transaction. Needs FWPM_ACTRL_SUBSCRIBE.
 * *changeHandle is ended with FwpmFilterUnsubscribeChanges0.
 * Errors: FWP_E_INVALID_FLAGS (no flag, or an unknown one), FWP_E_TXN_IN_PROGRESS,
 * FWP_E_NEVER_MATCH.
 */
DWORD WINAPI FwpmFilterSubscribeChanges0(HANDLE engineHandle,
                                         const FWPM_FILTER_SUBSCRIPTION0 *subscription,
                                         FWPM_FILTER_CHANGE_CALLBACK0 callback, void *context,
                                         HANDLE *changeHandle);

/*
 * Ends a subscription; when it returns, the callback is not running and not called again. Called
 * from the callback itself it returns at once. Not in a transaction.
 * Errors: FWP_E_NOT_FOUND, FWP_E_WRONG_SESSION, FWP_E_TXN_IN_PROGRESS.
 */
DWORD WINAPI FwpmFilterUnsubscribeChanges0(HANDLE engineHandle, HANDLE changeHandle);

/*
 * The subscriptions to changes of filters of this session, as an array to be freed with
 * FwpmFreeMemory0.
 */
DWORD WINAPI FwpmFilterSubscriptionsGet0(HANDLE engineHandle, FWPM_FILTER_SUBSCRIPTION0 ***entries,
                                         UINT32 *numEntries);

/*
 * The value that FWPM_CONDITION_ALE_APP_ID compares: a program's path in UTF-16 with its NUL.
 * fileName is a Linux path; symbolic links are resolved, nothing is lower-cased. *appId is freed
 * with FwpmFreeMemory0. Needs no engine.
 * Errors: ERROR_FILE_NOT_FOUND, ERROR_ACCESS_DENIED, FWP_E_NULL_POINTER.
 */
DWORD WINAPI FwpmGetAppIdFromFileName0(PCWSTR fileName, FWP_BYTE_BLOB **appId);

/* ---- net events ---- */

/*
 * Begins an enumeration of the net events that the engine still has and the template selects,
 * oldest first; enumTemplate NULL: all. The conditions of a template may name IP_PROTOCOL,
 * IP_LOCAL_ADDRESS, IP_REMOTE_ADDRESS, IP_LOCAL_PORT, IP_REMOTE_PORT, ALE_APP_ID, ALE_USER_ID and
 * NET_EVENT_TYPE. Needs FWPM_ACTRL_ENUM on the net events.
 * Errors: FWP_E_NET_EVENTS_DISABLED, FWP_E_INVALID_INTERVAL (endTime before startTime),
 * FWP_E_CONDITION_NOT_FOUND, FWP_E_TYPE_MISMATCH.
 */
DWORD WINAPI FwpmNetEventCreateEnumHandle0(HANDLE engineHandle,
                                           const FWPM_NET_EVENT_ENUM_TEMPLATE0 *enumTemplate,
                                           HANDLE *enumHandle);

/*
 * The next net events, at most numEntriesRequested; fewer than that is the end. *entries is freed
 * as a whole with FwpmFreeMemory0. Only FWPM_NET_EVENT_TYPE_CLASSIFY_DROP: the older versions know
 * no other that Linux has.
 * Errors: FWP_E_INVALID_ENUMERATOR.
 */
DWORD WINAPI FwpmNetEventEnum0(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
                               FWPM_NET_EVENT0 ***entries, UINT32 *numEntriesReturned);

/* FwpmNetEventEnum0 with FWPM_NET_EVENT1. */
DWORD WINAPI FwpmNetEventEnum1(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
                               FWPM_NET_EVENT1 ***entries, UINT32 *numEntriesReturned);

/* FwpmNetEventEnum0 with FWPM_NET_EVENT2, which can also be CLASSIFY_ALLOW. */
DWORD WINAPI FwpmNetEventEnum2(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
                               FWPM_NET_EVENT2 ***entries, UINT32 *numEntriesReturned);

/* FwpmNetEventEnum0 with FWPM_NET_EVENT3. */
DWORD WINAPI FwpmNetEventEnum3(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
                               FWPM_NET_EVENT3 ***entries, UINT32 *numEntriesReturned);

/* FwpmNetEventEnum0 with FWPM_NET_EVENT4. */
DWORD WINAPI FwpmNetEventEnum4(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
                               FWPM_NET_EVENT4 ***entries, UINT32 *numEntriesReturned);

/* FwpmNetEventEnum0 with FWPM_NET_EVENT5. */
DWORD WINAPI FwpmNetEventEnum5(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
                               FWPM_NET_EVENT5 ***entries, UINT32 *numEntriesReturned);

/*
 * Ends an enumeration.
 * Errors: FWP_E_INVALID_ENUMERATOR (no such handle), FWP_E_WRONG_SESSION.
 */
DWORD WINAPI FwpmNetEventDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle);

/*
 * The parts of the security descriptor of the net events that securityInfo (OWNER_, GROUP_, DACL_,
 * SACL_SECURITY_INFORMATION) asks for. *securityDescriptor is freed with FwpmFreeMemory0; the
 * other results (each may be NULL) point into it. Needs READ_CONTROL.
 */
DWORD WINAPI FwpmNetEventsGetSecurityInfo0(HANDLE engineHandle, SECURITY_INFORMATION securityInfo,
                                           PSID *sidOwner, PSID *sidGroup, PACL *dacl, PACL *sacl,
                                           PSECURITY_DESCRIPTOR *securityDescriptor);

/*
 * Replaces the parts of the security descriptor of the net events that securityInfo names; the
 * others may be NULL. Not in a transaction; not in a dynamic session. Needs WRITE_DAC for the
 * list, WRITE_OWNER for owner and group.
 * Errors: FWP_E_TXN_IN_PROGRESS, FWP_E_DYNAMIC_SESSION_IN_PROGRESS, FWP_E_BUILTIN_OBJECT,
 * ERROR_INVALID_SECURITY_DESCR.
 */
DWORD WINAPI FwpmNetEventsSetSecurityInfo0(HANDLE engineHandle, SECURITY_INFORMATION securityInfo,
                                           const SID *sidOwner, const SID *sidGroup,
                                           const ACL *dacl, const ACL *sacl);

/*
 * Calls callback with every net event that the template selects, from now on, on a thread of the
 * library; the event is valid during the call. Events are lost rather than held up when the
 * callback is slow. Needs FWPM_ACTRL_SUBSCRIBE on the net events. *eventsHandle is ended with
 * FwpmNetEventUnsubscribe0.
 * Errors: FWP_E_NET_EVENTS_DISABLED, and as FwpmNetEventCreateEnumHandle0.
 */
DWORD WINAPI FwpmNetEventSubscribe0(HANDLE engineHandle,
                                    const FWPM_NET_EVENT_SUBSCRIPTION0 *subscription,
                                    FWPM_NET_EVENT_CALLBACK0 callback, void *context,
                                    HANDLE *eventsHandle);

/* FwpmNetEventSubscribe0 with FWPM_NET_EVENT2, which can also be CLASSIFY_ALLOW. */
DWORD WINAPI FwpmNetEventSubscribe1(HANDLE engineHandle,
                                    const FWPM_NET_EVENT_SUBSCRIPTION0 *subscription,
                                    FWPM_NET_EVENT_CALLBACK1 callback, void *context,
                                    HANDLE *eventsHandle);

/* FwpmNetEventSubscribe0 with FWPM_NET_EVENT3. */
DWORD WINAPI FwpmNetEventSubscribe2(HANDLE engineHandle,
                                    const FWPM_NET_EVENT_SUBSCRIPTION0 *subscription,
                                    FWPM_NET_EVENT_CALLBACK2 callback, void *context,
                                    HANDLE *eventsHandle);

/* FwpmNetEventSubscribe0 with FWPM_NET_EVENT4. */
DWORD WINAPI FwpmNetEventSubscribe3(HANDLE engineHandle,
                                    const FWPM_NET_EVENT_SUBSCRIPTION0 *subscription,
                                    FWPM_NET_EVENT_CALLBACK3 callback, void *context,
                                    HANDLE *eventsHandle);

/* FwpmNetEventSubscribe0 with FWPM_NET_EVENT5. */
DWORD WINAPI FwpmNetEventSubscribe4(HANDLE engineHandle,
                                    const FWPM_NET_EVENT_SUBSCRIPTION0 *subscription,
                                    FWPM_NET_EVENT_CALLBACK4 callback, void *context,
                                    HANDLE *eventsHandle);

/*
 * Ends a subscription to net events; when it returns, the callback is not running and not called
 * again. Called from the callback itself it returns at once.
 * Errors: FWP_E_NOT_FOUND (no such subscription), FWP_E_WRONG_SESSION.
 */
DWORD WINAPI FwpmNetEventUnsubscribe0(HANDLE engineHandle, HANDLE eventsHandle);

/*
 * The subscriptions to net events of this session, as an array to be freed with FwpmFreeMemory0.
 */
DWORD WINAPI FwpmNetEventSubscriptionsGet0(HANDLE engineHandle,
                                           FWPM_NET_EVENT_SUBSCRIPTION0 ***entries,
                                           UINT32 *numEntries);

#ifdef __cplusplus
}
#endif

#include <fwpvi.h>

#endif
