/* Sublayers. */
#include "client.h"

EXPORT DWORD WINAPI FwpmSubLayerAdd0(HANDLE engineHandle, const FWPM_SUBLAYER0 *subLayer,
                                     PSECURITY_DESCRIPTOR sd)
{
    struct addition addition;

    if (!add_begin(&addition, engineHandle, subLayer, sd))
        return call_end(&addition.call);
    addition.message.object_case = RPC__ADD__OBJECT_SUBLAYER;
    addition.message.sublayer = encode_sublayer(&addition.call.converter, subLayer);
    return add_end(&addition, addition.message.sublayer, NULL);
}

EXPORT DWORD WINAPI FwpmSubLayerDeleteByKey0(HANDLE engineHandle, const GUID *key)
{
    return object_delete_by_key(engineHandle, MODEL_SUBLAYER, key);
}

EXPORT DWORD WINAPI FwpmSubLayerGetByKey0(HANDLE engineHandle, const GUID *key,
                                          FWPM_SUBLAYER0 **subLayer)
{
    return object_get_by_key(engineHandle, MODEL_SUBLAYER, key, (void **)subLayer);
}

EXPORT DWORD WINAPI FwpmSubLayerCreateEnumHandle0(HANDLE engineHandle,
                                                  const FWPM_SUBLAYER_ENUM_TEMPLATE0 *enumTemplate,
                                                  HANDLE *enumHandle)
{
    return object_enum_create(engineHandle, MODEL_SUBLAYER, enumTemplate, enumHandle);
}

EXPORT DWORD WINAPI FwpmSubLayerEnum0(HANDLE engineHandle, HANDLE enumHandle,
                                      UINT32 numEntriesRequested, FWPM_SUBLAYER0 ***entries,
                                      UINT32 *numEntriesReturned)
{
    return object_enum(engineHandle, MODEL_SUBLAYER, enumHandle, numEntriesRequested,
                       (void ***)entries, numEntriesReturned);
}

EXPORT DWORD WINAPI FwpmSubLayerDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle)
{
    return object_enum_destroy(engineHandle, enumHandle);
}

static void on_change(void *callback, void *context, enum model_kind kind,
                      const Rpc__Change *change)
{
    FWPM_SUBLAYER_CHANGE0 told = {.changeType = (FWPM_CHANGE_TYPE)change->type};

    if (change_key(change, &told.subLayerKey))
        ((FWPM_SUBLAYER_CHANGE_CALLBACK0)callback)(context, &told);
}

EXPORT DWORD WINAPI FwpmSubLayerSubscribeChanges0(HANDLE engineHandle,
                                                  const FWPM_SUBLAYER_SUBSCRIPTION0 *subscription,
                                                  FWPM_SUBLAYER_CHANGE_CALLBACK0 callback,
                                                  void *context, HANDLE *changeHandle)
{
    const struct delivery_handler handler = {
        .change = on_change, .callback = (void *)callback, .context = context};

    if (!subscription)
        return error_set(FWP_E_NULL_POINTER, "subscription is a null pointer");
    return subscribe(engineHandle, MODEL_SUBLAYER, subscription->enumTemplate, subscription->flags,
                     false, &handler, changeHandle);
}

EXPORT DWORD WINAPI FwpmSubLayerUnsubscribeChanges0(HANDLE engineHandle, HANDLE changeHandle)
{
    return unsubscribe(engineHandle, changeHandle);
}

EXPORT DWORD WINAPI FwpmSubLayerSubscriptionsGet0(HANDLE engineHandle,
                                                  FWPM_SUBLAYER_SUBSCRIPTION0 ***entries,
                                                  UINT32 *numEntries)
{
    return subscriptions_get(engineHandle, MODEL_SUBLAYER, (void ***)entries, numEntries);
}

EXPORT DWORD WINAPI FwpmSubLayerGetSecurityInfoByKey0(HANDLE engineHandle, const GUID *key,
                                                      SECURITY_INFORMATION securityInfo,
                                                      PSID *sidOwner, PSID *sidGroup, PACL *dacl,
                                                      PACL *sacl,
                                                      PSECURITY_DESCRIPTOR *securityDescriptor)
{
    const struct security_parts parts = {sidOwner, sidGroup, dacl, sacl, securityDescriptor};

    return security_get(engineHandle, MODEL_SUBLAYER, key, securityInfo, &parts);
}

EXPORT DWORD WINAPI FwpmSubLayerSetSecurityInfoByKey0(HANDLE engineHandle, const GUID *key,
                                                      SECURITY_INFORMATION securityInfo,
                                                      const SID *sidOwner, const SID *sidGroup,
                                                      const ACL *dacl, const ACL *sacl)
{
    return security_set(engineHandle, MODEL_SUBLAYER, key, securityInfo, sidOwner, sidGroup, dacl,
                        sacl);
}
