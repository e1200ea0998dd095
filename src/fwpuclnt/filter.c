/* Filters. */
#include "client.h"

EXPORT DWORD WINAPI FwpmFilterAdd0(HANDLE engineHandle, const FWPM_FILTER0 *filter,
                                   PSECURITY_DESCRIPTOR sd, UINT64 *id)
{
    struct addition addition;

    if (!add_begin(&addition, engineHandle, filter, sd))
        return call_end(&addition.call);
    addition.message.object_case = RPC__ADD__OBJECT_FILTER;
    addition.message.filter = encode_filter(&addition.call.converter, filter);
    return add_end(&addition, addition.message.filter, id);
}

EXPORT DWORD WINAPI FwpmFilterDeleteById0(HANDLE engineHandle, UINT64 id)
{
    return object_delete_by_id(engineHandle, MODEL_FILTER, id);
}

EXPORT DWORD WINAPI FwpmFilterDeleteByKey0(HANDLE engineHandle, const GUID *key)
{
    return object_delete_by_key(engineHandle, MODEL_FILTER, key);
}

EXPORT DWORD WINAPI FwpmFilterGetById0(HANDLE engineHandle, UINT64 id, FWPM_FILTER0 **filter)
{
    return object_get_by_id(engineHandle, MODEL_FILTER, id, (void **)filter);
}

EXPORT DWORD WINAPI FwpmFilterGetByKey0(HANDLE engineHandle, const GUID *key, FWPM_FILTER0 **filter)
{
    return object_get_by_key(engineHandle, MODEL_FILTER, key, (void **)filter);
}

EXPORT DWORD WINAPI FwpmFilterCreateEnumHandle0(HANDLE engineHandle,
                                                const FWPM_FILTER_ENUM_TEMPLATE0 *enumTemplate,
                                                HANDLE *enumHandle)
{
    return object_enum_create(engineHandle, MODEL_FILTER, enumTemplate, enumHandle);
}

EXPORT DWORD WINAPI FwpmFilterEnum0(HANDLE engineHandle, HANDLE enumHandle,
                                    UINT32 numEntriesRequested, FWPM_FILTER0 ***entries,
                                    UINT32 *numEntriesReturned)
{
    return object_enum(engineHandle, MODEL_FILTER, enumHandle, numEntriesRequested,
                       (void ***)entries, numEntriesReturned);
}

EXPORT DWORD WINAPI FwpmFilterDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle)
{
    return object_enum_destroy(engineHandle, enumHandle);
}

static void on_change(void *callback, void *context, enum model_kind kind,
                      const Rpc__Change *change)
{
    FWPM_FILTER_CHANGE0 told = {.changeType = (FWPM_CHANGE_TYPE)change->type,
                                .filterId = change->id};

    if (change_key(change, &told.filterKey))
        ((FWPM_FILTER_CHANGE_CALLBACK0)callback)(context, &told);
}

EXPORT DWORD WINAPI FwpmFilterSubscribeChanges0(HANDLE engineHandle,
                                                const FWPM_FILTER_SUBSCRIPTION0 *subscription,
                                                FWPM_FILTER_CHANGE_CALLBACK0 callback,
                                                void *context, HANDLE *changeHandle)
{
    const struct delivery_handler handler = {
        .change = on_change, .callback = (void *)callback, .context = context};

    if (!subscription)
        return error_set(FWP_E_NULL_POINTER, "subscription is a null pointer");
    return subscribe(engineHandle, MODEL_FILTER, subscription->enumTemplate, subscription->flags,
                     false, &handler, changeHandle);
}

EXPORT DWORD WINAPI FwpmFilterUnsubscribeChanges0(HANDLE engineHandle, HANDLE changeHandle)
{
    return unsubscribe(engineHandle, changeHandle);
}

EXPORT DWORD WINAPI FwpmFilterSubscriptionsGet0(HANDLE engineHandle,
                                                FWPM_FILTER_SUBSCRIPTION0 ***entries,
                                                UINT32 *numEntries)
{
    return subscriptions_get(engineHandle, MODEL_FILTER, (void ***)entries, numEntries);
}

EXPORT DWORD WINAPI FwpmFilterGetSecurityInfoByKey0(HANDLE engineHandle, const GUID *key,
                                                    SECURITY_INFORMATION securityInfo,
                                                    PSID *sidOwner, PSID *sidGroup, PACL *dacl,
                                                    PACL *sacl,
                                                    PSECURITY_DESCRIPTOR *securityDescriptor)
{
    const struct security_parts parts = {sidOwner, sidGroup, dacl, sacl, securityDescriptor};

    return security_get(engineHandle, MODEL_FILTER, key, securityInfo, &parts);
}

EXPORT DWORD WINAPI FwpmFilterSetSecurityInfoByKey0(HANDLE engineHandle, const GUID *key,
                                                    SECURITY_INFORMATION securityInfo,
                                                    const SID *sidOwner, const SID *sidGroup,
                                                    const ACL *dacl, const ACL *sacl)
{
    return security_set(engineHandle, MODEL_FILTER, key, securityInfo, sidOwner, sidGroup, dacl,
                        sacl);
}
