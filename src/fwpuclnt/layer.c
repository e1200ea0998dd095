/* Layers. */
#include "client.h"

EXPORT DWORD WINAPI FwpmLayerGetById0(HANDLE engineHandle, UINT16 id, FWPM_LAYER0 **layer)
{
    return object_get_by_id(engineHandle, MODEL_LAYER, id, (void **)layer);
}

EXPORT DWORD WINAPI FwpmLayerGetByKey0(HANDLE engineHandle, const GUID *key, FWPM_LAYER0 **layer)
{
    return object_get_by_key(engineHandle, MODEL_LAYER, key, (void **)layer);
}

EXPORT DWORD WINAPI FwpmLayerCreateEnumHandle0(HANDLE engineHandle,
                                               const FWPM_LAYER_ENUM_TEMPLATE0 *enumTemplate,
                                               HANDLE *enumHandle)
{
    return object_enum_create(engineHandle, MODEL_LAYER, enumTemplate, enumHandle);
}

EXPORT DWORD WINAPI FwpmLayerEnum0(HANDLE engineHandle, HANDLE enumHandle,
                                   UINT32 numEntriesRequested, FWPM_LAYER0 ***entries,
                                   UINT32 *numEntriesReturned)
{
    return object_enum(engineHandle, MODEL_LAYER, enumHandle, numEntriesRequested,
                       (void ***)entries, numEntriesReturned);
}

EXPORT DWORD WINAPI FwpmLayerDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle)
{
    return object_enum_destroy(engineHandle, enumHandle);
}

EXPORT DWORD WINAPI FwpmLayerGetSecurityInfoByKey0(HANDLE engineHandle, const GUID *key,
                                                   SECURITY_INFORMATION securityInfo,
                                                   PSID *sidOwner, PSID *sidGroup, PACL *dacl,
                                                   PACL *sacl,
                                                   PSECURITY_DESCRIPTOR *securityDescriptor)
{
    const struct security_parts parts = {sidOwner, sidGroup, dacl, sacl, securityDescriptor};

    return security_get(engineHandle, MODEL_LAYER, key, securityInfo, &parts);
}

EXPORT DWORD WINAPI FwpmLayerSetSecurityInfoByKey0(HANDLE engineHandle, const GUID *key,
                                                   SECURITY_INFORMATION securityInfo,
                                                   const SID *sidOwner, const SID *sidGroup,
                                                   const ACL *dacl, const ACL *sacl)
{
    return security_set(engineHandle, MODEL_LAYER, key, securityInfo, sidOwner, sidGroup, dacl,
                        sacl);
}
