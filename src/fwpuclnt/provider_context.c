/*
 * Provider contexts. Their versions differ in the IPsec policies, which are pointers to what
 * Linux has no use for; the structures are laid out alike.
 */
#include "client.h"

EXPORT DWORD WINAPI FwpmProviderContextAdd0(HANDLE engineHandle,
                                            const FWPM_PROVIDER_CONTEXT0 *providerContext,
                                            PSECURITY_DESCRIPTOR sd, UINT64 *id)
{
    struct addition addition;

    if (!add_begin(&addition, engineHandle, providerContext, sd))
        return call_end(&addition.call);
    addition.message.object_case = RPC__ADD__OBJECT_PROVIDER_CONTEXT;
    addition.message.provider_context =
        encode_provider_context(&addition.call.converter, providerContext);
    return add_end(&addition, addition.message.provider_context, id);
}

EXPORT DWORD WINAPI FwpmProviderContextAdd1(HANDLE engineHandle,
                                            const FWPM_PROVIDER_CONTEXT1 *providerContext,
                                            PSECURITY_DESCRIPTOR sd, UINT64 *id)
{
    return FwpmProviderContextAdd0(engineHandle, (const FWPM_PROVIDER_CONTEXT0 *)providerContext,
                                   sd, id);
}

EXPORT DWORD WINAPI FwpmProviderContextAdd2(HANDLE engineHandle,
                                            const FWPM_PROVIDER_CONTEXT2 *providerContext,
                                            PSECURITY_DESCRIPTOR sd, UINT64 *id)
{
    return FwpmProviderContextAdd0(engineHandle, (const FWPM_PROVIDER_CONTEXT0 *)providerContext,
                                   sd, id);
}

EXPORT DWORD WINAPI FwpmProviderContextAdd3(HANDLE engineHandle,
                                            const FWPM_PROVIDER_CONTEXT3 *providerContext,
                                            PSECURITY_DESCRIPTOR sd, UINT64 *id)
{
    return FwpmProviderContextAdd0(engineHandle, (const FWPM_PROVIDER_CONTEXT0 *)providerContext,
                                   sd, id);
}

EXPORT DWORD WINAPI FwpmProviderContextDeleteById0(HANDLE engineHandle, UINT64 id)
{
    return object_delete_by_id(engineHandle, MODEL_PROVIDER_CONTEXT, id);
}

EXPORT DWORD WINAPI FwpmProviderContextDeleteByKey0(HANDLE engineHandle, const GUID *key)
{
    return object_delete_by_key(engineHandle, MODEL_PROVIDER_CONTEXT, key);
}

EXPORT DWORD WINAPI FwpmProviderContextGetById0(HANDLE engineHandle, UINT64 id,
                                                FWPM_PROVIDER_CONTEXT0 **providerContext)
{
    return object_get_by_id(engineHandle, MODEL_PROVIDER_CONTEXT, id, (void **)providerContext);
}

EXPORT DWORD WINAPI FwpmProviderContextGetById1(HANDLE engineHandle, UINT64 id,
                                                FWPM_PROVIDER_CONTEXT1 **providerContext)
{
    return object_get_by_id(engineHandle, MODEL_PROVIDER_CONTEXT, id, (void **)providerContext);
}

EXPORT DWORD WINAPI FwpmProviderContextGetById2(HANDLE engineHandle, UINT64 id,
                                                FWPM_PROVIDER_CONTEXT2 **providerContext)
{
    return object_get_by_id(engineHandle, MODEL_PROVIDER_CONTEXT, id, (void **)providerContext);
}

EXPORT DWORD WINAPI FwpmProviderContextGetById3(HANDLE engineHandle, UINT64 id,
                                                FWPM_PROVIDER_CONTEXT3 **providerContext)
{
    return object_get_by_id(engineHandle, MODEL_PROVIDER_CONTEXT, id, (void **)providerContext);
}

EXPORT DWORD WINAPI FwpmProviderContextGetByKey0(HANDLE engineHandle, const GUID *key,
                                                 FWPM_PROVIDER_CONTEXT0 **providerContext)
{
    return object_get_by_key(engineHandle, MODEL_PROVIDER_CONTEXT, key, (void **)providerContext);
}

EXPORT DWORD WINAPI FwpmProviderContextGetByKey1(HANDLE engineHandle, const GUID *key,
                                                 FWPM_PROVIDER_CONTEXT1 **providerContext)
{
    return object_get_by_key(engineHandle, MODEL_PROVIDER_CONTEXT, key, (void **)providerContext);
}

EXPORT DWORD WINAPI FwpmProviderContextGetByKey2(HANDLE engineHandle, const GUID *key,
                                                 FWPM_PROVIDER_CONTEXT2 **providerContext)
{
    return object_get_by_key(engineHandle, MODEL_PROVIDER_CONTEXT, key, (void **)providerContext);
}

EXPORT DWORD WINAPI FwpmProviderContextGetByKey3(HANDLE engineHandle, const GUID *key,
                                                 FWPM_PROVIDER_CONTEXT3 **providerContext)
{
    return object_get_by_key(engineHandle, MODEL_PROVIDER_CONTEXT, key, (void **)providerContext);
}

EXPORT DWORD WINAPI FwpmProviderContextCreateEnumHandle0(
    HANDLE engineHandle, const FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0 *enumTemplate,
    HANDLE *enumHandle)
{
    return object_enum_create(engineHandle, MODEL_PROVIDER_CONTEXT, enumTemplate, enumHandle);
}

EXPORT DWORD WINAPI FwpmProviderContextEnum0(HANDLE engineHandle, HANDLE enumHandle,
                                             UINT32 numEntriesRequested,
                                             FWPM_PROVIDER_CONTEXT0 ***entries,
                                             UINT32 *numEntriesReturned)
{
    return object_enum(engineHandle, MODEL_PROVIDER_CONTEXT, enumHandle, numEntriesRequested,
                       (void ***)entries, numEntriesReturned);
}

EXPORT DWORD WINAPI FwpmProviderContextEnum1(HANDLE engineHandle, HANDLE enumHandle,
                                             UINT32 numEntriesRequested,
                                             FWPM_PROVIDER_CONTEXT1 ***entries,
                                             UINT32 *numEntriesReturned)
{
    return object_enum(engineHandle, MODEL_PROVIDER_CONTEXT, enumHandle, numEntriesRequested,
                       (void ***)entries, numEntriesReturned);
}

EXPORT DWORD WINAPI FwpmProviderContextEnum2(HANDLE engineHandle, HANDLE enumHandle,
                                             UINT32 numEntriesRequested,
                                             FWPM_PROVIDER_CONTEXT2 ***entries,
                                             UINT32 *numEntriesReturned)
{
    return object_enum(engineHandle, MODEL_PROVIDER_CONTEXT, enumHandle, numEntriesRequested,
                       (void ***)entries, numEntriesReturned);
}

EXPORT DWORD WINAPI FwpmProviderContextEnum3(HANDLE engineHandle, HANDLE enumHandle,
                                             UINT32 numEntriesRequested,
                                             FWPM_PROVIDER_CONTEXT3 ***entries,
                                             UINT32 *numEntriesReturned)
{
    return object_enum(engineHandle, MODEL_PROVIDER_CONTEXT, enumHandle, numEntriesRequested,
                       (void ***)entries, numEntriesReturned);
}

EXPORT DWORD WINAPI FwpmProviderContextDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle)
{
    return object_enum_destroy(engineHandle, enumHandle);
}

static void on_change(void *callback, void *context, enum model_kind kind,
                      const Rpc__Change *change)
{
    FWPM_PROVIDER_CONTEXT_CHANGE0 told = {.changeType = (FWPM_CHANGE_TYPE)change->type,
                                          .providerContextId = change->id};

    if (change_key(change, &told.providerContextKey))
        ((FWPM_PROVIDER_CONTEXT_CHANGE_CALLBACK0)callback)(context, &told);
}

EXPORT DWORD WINAPI FwpmProviderContextSubscribeChanges0(
    HANDLE engineHandle, const FWPM_PROVIDER_CONTEXT_SUBSCRIPTION0 *subscription,
    FWPM_PROVIDER_CONTEXT_CHANGE_CALLBACK0 callback, void *context, HANDLE *changeHandle)
{
    const struct delivery_handler handler = {
        .change = on_change, .callback = (void *)callback, .context = context};

    if (!subscription)
        return error_set(FWP_E_NULL_POINTER, "subscription is a null pointer");
    return subscribe(engineHandle, MODEL_PROVIDER_CONTEXT, subscription->enumTemplate,
                     subscription->flags, false, &handler, changeHandle);
}

EXPORT DWORD WINAPI FwpmProviderContextUnsubscribeChanges0(HANDLE engineHandle, HANDLE changeHandle)
{
    return unsubscribe(engineHandle, changeHandle);
}

EXPORT DWORD WINAPI FwpmProviderContextSubscriptionsGet0(
    HANDLE engineHandle, FWPM_PROVIDER_CONTEXT_SUBSCRIPTION0 ***entries, UINT32 *numEntries)
{
    return subscriptions_get(engineHandle, MODEL_PROVIDER_CONTEXT, (void ***)entries, numEntries);
}

EXPORT DWORD WINAPI FwpmProviderContextGetSecurityInfoByKey0(
    HANDLE engineHandle, const GUID *key, SECURITY_INFORMATION securityInfo, PSID *sidOwner,
    PSID *sidGroup, PACL *dacl, PACL *sacl, PSECURITY_DESCRIPTOR *securityDescriptor)
{
    const struct security_parts parts = {sidOwner, sidGroup, dacl, sacl, securityDescriptor};

    return security_get(engineHandle, MODEL_PROVIDER_CONTEXT, key, securityInfo, &parts);
}

EXPORT DWORD WINAPI FwpmProviderContextSetSecurityInfoByKey0(HANDLE engineHandle, const GUID *key,
                                                             SECURITY_INFORMATION securityInfo,
                                                             const SID *sidOwner,
                                                             const SID *sidGroup, const ACL *dacl,
                                                             const ACL *sacl)
{
    return security_set(engineHandle, MODEL_PROVIDER_CONTEXT, key, securityInfo, sidOwner, sidGroup,
                        dacl, sacl);
}
