/* Callouts. */
#include "client.h"

EXPORT DWORD WINAPI FwpmCalloutAdd0(HANDLE engineHandle, const FWPM_CALLOUT0 *callout,
                                    PSECURITY_DESCRIPTOR sd, UINT32 *id)
{
    struct addition addition;
    UINT64 wide;
    DWORD code;

    if (!add_begin(&addition, engineHandle, callout, sd))
        return call_end(&addition.call);
    addition.message.object_case = RPC__ADD__OBJECT_CALLOUT;
    addition.message.callout = encode_callout(&addition.call.converter, callout);
    code = add_end(&addition, addition.message.callout, &wide);
    if (!code && id)
        *id = (UINT32)wide;
    return code;
}

EXPORT DWORD WINAPI FwpmCalloutDeleteById0(HANDLE engineHandle, UINT32 id)
{
    return object_delete_by_id(engineHandle, MODEL_CALLOUT, id);
}

EXPORT DWORD WINAPI FwpmCalloutDeleteByKey0(HANDLE engineHandle, const GUID *key)
{
    return object_delete_by_key(engineHandle, MODEL_CALLOUT, key);
}

EXPORT DWORD WINAPI FwpmCalloutGetById0(HANDLE engineHandle, UINT32 id, FWPM_CALLOUT0 **callout)
{
    return object_get_by_id(engineHandle, MODEL_CALLOUT, id, (void **)callout);
}

EXPORT DWORD WINAPI FwpmCalloutGetByKey0(HANDLE engineHandle, const GUID *key,
                                         FWPM_CALLOUT0 **callout)
{
    return object_get_by_key(engineHandle, MODEL_CALLOUT, key, (void **)callout);
}

EXPORT DWORD WINAPI FwpmCalloutCreateEnumHandle0(HANDLE engineHandle,
                                                 const FWPM_CALLOUT_ENUM_TEMPLATE0 *enumTemplate,
                                                 HANDLE *enumHandle)
{
    return object_enum_create(engineHandle, MODEL_CALLOUT, enumTemplate, enumHandle);
}

EXPORT DWORD WINAPI FwpmCalloutEnum0(HANDLE engineHandle, HANDLE enumHandle,
                                     UINT32 numEntriesRequested, FWPM_CALLOUT0 ***entries,
                                     UINT32 *numEntriesReturned)
{
    return object_enum(engineHandle, MODEL_CALLOUT, enumHandle, numEntriesRequested,
                       (void ***)entries, numEntriesReturned);
}

EXPORT DWORD WINAPI FwpmCalloutDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle)
{
    return object_enum_destroy(engineHandle, enumHandle);
}

static void on_change(void *callback, void *context, enum model_kind kind,
                      const Rpc__Change *change)
{
    FWPM_CALLOUT_CHANGE0 told = {.changeType = (FWPM_CHANGE_TYPE)change->type,
                                 .calloutId = (UINT32)change->id};

    if (change_key(change, &told.calloutKey))
        ((FWPM_CALLOUT_CHANGE_CALLBACK0)callback)(context, &told);
}

EXPORT DWORD WINAPI FwpmCalloutSubscribeChanges0(HANDLE engineHandle,
                                                 const FWPM_CALLOUT_SUBSCRIPTION0 *subscription,
                                                 FWPM_CALLOUT_CHANGE_CALLBACK0 callback,
                                                 void *context, HANDLE *changeHandle)
{
    const struct delivery_handler handler = {
        .change = on_change, .callback = (void *)callback, .context = context};

    if (!subscription)
        return error_set(FWP_E_NULL_POINTER, "subscription is a null pointer");
    return subscribe(engineHandle, MODEL_CALLOUT, subscription->enumTemplate, subscription->flags,
                     false, &handler, changeHandle);
}

EXPORT DWORD WINAPI FwpmCalloutUnsubscribeChanges0(HANDLE engineHandle, HANDLE changeHandle)
{
    return unsubscribe(engineHandle, changeHandle);
}

EXPORT DWORD WINAPI FwpmCalloutSubscriptionsGet0(HANDLE engineHandle,
                                                 FWPM_CALLOUT_SUBSCRIPTION0 ***entries,
                                                 UINT32 *numEntries)
{
    return subscriptions_get(engineHandle, MODEL_CALLOUT, (void ***)entries, numEntries);
}

EXPORT DWORD WINAPI FwpmCalloutGetSecurityInfoByKey0(HANDLE engineHandle, const GUID *key,
                                                     SECURITY_INFORMATION securityInfo,
                                                     PSID *sidOwner, PSID *sidGroup, PACL *dacl,
                                                     PACL *sacl,
                                                     PSECURITY_DESCRIPTOR *securityDescriptor)
{
    const struct security_parts parts = {sidOwner, sidGroup, dacl, sacl, securityDescriptor};

    return security_get(engineHandle, MODEL_CALLOUT, key, securityInfo, &parts);
}

EXPORT DWORD WINAPI FwpmCalloutSetSecurityInfoByKey0(HANDLE engineHandle, const GUID *key,
                                                     SECURITY_INFORMATION securityInfo,
                                                     const SID *sidOwner, const SID *sidGroup,
                                                     const ACL *dacl, const ACL *sacl)
{
    return security_set(engineHandle, MODEL_CALLOUT, key, securityInfo, sidOwner, sidGroup, dacl,
                        sacl);
}
