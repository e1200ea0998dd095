/* Providers. */
#include "client.h"

EXPORT DWORD WINAPI FwpmProviderAdd0(HANDLE engineHandle, const FWPM_PROVIDER0 *provider,
                                     PSECURITY_DESCRIPTOR sd)
{
    struct addition addition;

    if (!add_begin(&addition, engineHandle, provider, sd))
        return call_end(&addition.call);
    addition.message.object_case = RPC__ADD__OBJECT_PROVIDER;
    addition.message.provider = encode_provider(&addition.call.converter, provider);
    return add_end(&addition, addition.message.provider, NULL);
}

EXPORT DWORD WINAPI FwpmProviderDeleteByKey0(HANDLE engineHandle, const GUID *key)
{
    return object_delete_by_key(engineHandle, MODEL_PROVIDER, key);
}

EXPORT DWORD WINAPI FwpmProviderGetByKey0(HANDLE engineHandle, const GUID *key,
                                          FWPM_PROVIDER0 **provider)
{
    return object_get_by_key(engineHandle, MODEL_PROVIDER, key, (void **)provider);
}

EXPORT DWORD WINAPI FwpmProviderCreateEnumHandle0(HANDLE engineHandle,
                                                  const FWPM_PROVIDER_ENUM_TEMPLATE0 *enumTemplate,
                                                  HANDLE *enumHandle)
{
    return object_enum_create(engineHandle, MODEL_PROVIDER, enumTemplate, enumHandle);
}

EXPORT DWORD WINAPI FwpmProviderEnum0(HANDLE engineHandle, HANDLE enumHandle,
                                      UINT32 numEntriesRequested, FWPM_PROVIDER0 ***entries,
                                      UINT32 *numEntriesReturned)
{
    return object_enum(engineHandle, MODEL_PROVIDER, enumHandle, numEntriesRequested,
                       (void ***)entries, numEntriesReturned);
}

EXPORT DWORD WINAPI FwpmProviderDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle)
{
    return object_enum_destroy(engineHandle, enumHandle);
}

static void on_change(void *callback, void *context, enum model_kind kind,
                      const Rpc__Change *change)
{
    FWPM_PROVIDER_CHANGE0 told = {.changeType = (FWPM_CHANGE_TYPE)change->type};

    if (change_key(change, &told.providerKey))
        ((FWPM_PROVIDER_CHANGE_CALLBACK0)callback)(context, &told);
}

EXPORT DWORD WINAPI FwpmProviderSubscribeChanges0(HANDLE engineHandle,
                                                  const FWPM_PROVIDER_SUBSCRIPTION0 *subscription,
                                                  FWPM_PROVIDER_CHANGE_CALLBACK0 callback,
                                                  void *context, HANDLE *changeHandle)
{
    const struct delivery_handler handler = {
        .change = on_change, .callback = (void *)callback, .context = context};

    if (!subscription)
        return error_set(FWP_E_NULL_POINTER, "subscription is a null pointer");
    return subscribe(engineHandle, MODEL_PROVIDER, subscription->enumTemplate, subscription->flags,
                     false, &handler, changeHandle);
}

EXPORT DWORD WINAPI FwpmProviderUnsubscribeChanges0(HANDLE engineHandle, HANDLE changeHandle)
{
    return unsubscribe(engineHandle, changeHandle);
}

EXPORT DWORD WINAPI FwpmProviderSubscriptionsGet0(HANDLE engineHandle,
                                                  FWPM_PROVIDER_SUBSCRIPTION0 ***entries,
                                                  UINT32 *numEntries)
{
    return subscriptions_get(engineHandle, MODEL_PROVIDER, (void ***)entries, numEntries);
}

EXPORT DWORD WINAPI FwpmProviderGetSecurityInfoByKey0(HANDLE engineHandle, const GUID *key,
                                                      SECURITY_INFORMATION securityInfo,
                                                      PSID *sidOwner, PSID *sidGroup, PACL *dacl,
                                                      PACL *sacl,
                                                      PSECURITY_DESCRIPTOR *securityDescriptor)
{
    const struct security_parts parts = {sidOwner, sidGroup, dacl, sacl, securityDescriptor};

    return security_get(engineHandle, MODEL_PROVIDER, key, securityInfo, &parts);
}

EXPORT DWORD WINAPI FwpmProviderSetSecurityInfoByKey0(HANDLE engineHandle, const GUID *key,
                                                      SECURITY_INFORMATION securityInfo,
                                                      const SID *sidOwner, const SID *sidGroup,
                                                      const ACL *dacl, const ACL *sacl)
{
    return security_set(engineHandle, MODEL_PROVIDER, key, securityInfo, sidOwner, sidGroup, dacl,
                        sacl);
}
