/* A driver for the tests of the host: what it does depends on the name it is loaded by. */
#include <string.h>

#include <fwpsk.h>

#include <fwpmk.h>

static const GUID key = {0x5d, 1, 2, {3}};

static void NTAPI classify(const FWPS_INCOMING_VALUES *fixed,
                           const FWPS_INCOMING_METADATA_VALUES *meta, void *data,
                           const void *context, const FWPS_FILTER *filter, UINT64 flow,
                           FWPS_CLASSIFY_OUT *out)
{
    out->actionType = FWP_ACTION_PERMIT;
}

static void unload(PDRIVER_OBJECT driver)
{
    FwpsCalloutUnregisterByKey(&key);
}

static BOOLEAN ends_with(const UNICODE_STRING *text, const WCHAR *end, USHORT bytes)
{
    return text->Length >= bytes &&
           memcmp((const char *)text->Buffer + text->Length - bytes, end, bytes) == 0;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registryPath)
{
    FWPS_CALLOUT callout = {.calloutKey = key, .classifyFn = classify};

    if (ends_with(registryPath, L"\\Services\\failing", 34))
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    if (!ends_with(&driver->DriverName, L"\\Driver\\small", 26))
        return STATUS_INVALID_PARAMETER;
    driver->DriverUnload = unload;
    return FwpsCalloutRegister(NULL, &callout, NULL);
}
