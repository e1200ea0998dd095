/* Redirection, of which the engine does nothing yet: what of it a driver can have by itself. */
#include <stdlib.h>

#include "fwpkclnt/runtime.h"

struct redirector {
    GUID provider;
};

EXPORT NTSTATUS NTAPI FwpsRedirectHandleCreate0(const GUID *providerGuid, UINT32 flags,
                                                HANDLE *redirectHandle)
{
    struct redirector *redirector;

    if (!providerGuid || !redirectHandle)
        return STATUS_FWP_NULL_POINTER;
    if (flags)
        return STATUS_INVALID_PARAMETER;
    redirector = malloc(sizeof(*redirector));
    if (!redirector)
        return STATUS_INSUFFICIENT_RESOURCES;
    redirector->provider = *providerGuid;
    *redirectHandle = redirector;
    return STATUS_SUCCESS;
}

EXPORT void NTAPI FwpsRedirectHandleDestroy0(HANDLE redirectHandle)
{
    free(redirectHandle);
}

EXPORT FWPS_CONNECTION_REDIRECT_STATE NTAPI FwpsQueryConnectionRedirectState0(
    HANDLE redirectRecords, HANDLE redirectHandle, void **redirectContext)
{
    if (redirectContext)
        *redirectContext = NULL;
    return FWPS_CONNECTION_NOT_REDIRECTED;
}

EXPORT NTSTATUS NTAPI FwpsAcquireWritableLayerDataPointer0(UINT64 classifyHandle, UINT64 filterId,
                                                           UINT32 flags, PVOID *writableLayerData,
                                                           FWPS_CLASSIFY_OUT0 *classifyOut)
{
    if (!writableLayerData || !classifyOut)
        return STATUS_FWP_NULL_POINTER;
    *writableLayerData = NULL;
    return STATUS_NOT_SUPPORTED;
}

EXPORT void NTAPI FwpsApplyModifiedLayerData0(UINT64 classifyHandle, PVOID modifiedLayerData,
                                              UINT32 flags)
{
    runtime_log("FwpsApplyModifiedLayerData0: there is no writable layer data");
}
