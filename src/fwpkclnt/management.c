#include "fwpkclnt/management.h"

#include <ntstatus.h>
#include <openwfp.h>
#include <winerror.h>

#include "fwpkclnt/runtime.h"

static const struct {
    DWORD code;
    NTSTATUS status;
} statuses[] = {
    {ERROR_ACCESS_DENIED, STATUS_ACCESS_DENIED},
    {ERROR_INVALID_HANDLE, STATUS_INVALID_HANDLE},
    {ERROR_NOT_ENOUGH_MEMORY, STATUS_INSUFFICIENT_RESOURCES},
    {ERROR_OUTOFMEMORY, STATUS_INSUFFICIENT_RESOURCES},
    {ERROR_NOT_SUPPORTED, STATUS_NOT_SUPPORTED},
    {ERROR_INVALID_PARAMETER, STATUS_INVALID_PARAMETER},
    {ERROR_BUSY, STATUS_DEVICE_BUSY},
    {ERROR_ALREADY_EXISTS, STATUS_OBJECT_NAME_COLLISION},
    {ERROR_INVALID_SECURITY_DESCR, STATUS_INVALID_SECURITY_DESCR},
    {RPC_S_SERVER_UNAVAILABLE, EPT_NT_CANT_PERFORM_OP},
};

/* FWP_E_* and STATUS_FWP_* have the same low half. */
static NTSTATUS status_of(DWORD code)
{
    if (code >> 16 == 0x8032)
        return (NTSTATUS)(0xc0220000u | (code & 0xffff));
    for (size_t i = 0; i < ARRAYSIZE(statuses); i++)
        if (statuses[i].code == code)
            return statuses[i].status;
    return STATUS_UNSUCCESSFUL;
}

NTSTATUS management_status(const char *function, DWORD code)
{
    if (code == ERROR_SUCCESS)
        return STATUS_SUCCESS;
    runtime_log("%s: %s", function, OpenWfpLastErrorText());
    return status_of(code);
}
