/* A callout driver that does what its name says; for test_drivers.py. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <initguid.h>

#include <fwpmk.h>
#include <fwpsk.h>
#include <ntddk.h>

DEFINE_GUID(CALLOUT_CONNECT_V4, 0x5d5a4c70, 0x1b6e, 0x4c0b, 0x9a, 0x11, 0x2f, 0x6e, 0x0d, 0x33,
            0x51, 0x01);
DEFINE_GUID(CALLOUT_NO_OBJECT, 0x5d5a4c70, 0x1b6e, 0x4c0b, 0x9a, 0x11, 0x2f, 0x6e, 0x0d, 0x33, 0x51,
            0x02);

static HANDLE engine, changes;
static UINT32 ids[2];
static BOOLEAN pends; /* and never completes */
static BOOLEAN lasts; /* its callout is persistent */

static void classify(const FWPS_INCOMING_VALUES0 *values,
                     const FWPS_INCOMING_METADATA_VALUES0 *metadata, void *layer_data,
                     const void *context, const FWPS_FILTER1 *filter, UINT64 flow_context,
                     FWPS_CLASSIFY_OUT0 *out)
{
    HANDLE completion;

    out->actionType = FWP_ACTION_PERMIT;
    if (!pends || !NT_SUCCESS(FwpsPendOperation0(metadata->completionHandle, &completion)))
        return;
    out->actionType = FWP_ACTION_BLOCK;
    out->rights &= ~FWPS_RIGHT_ACTION_WRITE;
    out->flags |= FWPS_CLASSIFY_OUT_FLAG_ABSORB;
}

static NTSTATUS notify(FWPS_CALLOUT_NOTIFY_TYPE type, const GUID *key, FWPS_FILTER1 *filter)
{
    fprintf(stderr, "filter %s\n", type == FWPS_CALLOUT_NOTIFY_ADD_FILTER ? "added" : "deleted");
    return STATUS_SUCCESS;
}

static NTSTATUS register_code(const GUID *key, UINT32 *id)
{
    const FWPS_CALLOUT1 callout = {.calloutKey = *key, .classifyFn = classify, .notifyFn = notify};

    return FwpsCalloutRegister1(NULL, &callout, id);
}

/* 7.1: the code first, then the object; both have one id. */
static NTSTATUS set_up(void)
{
    static WCHAR name[] = u"driven";
    const FWPM_CALLOUT0 object = {.calloutKey = CALLOUT_CONNECT_V4,
                                  .displayData.name = name,
                                  .flags = lasts ? FWPM_CALLOUT_FLAG_PERSISTENT : 0,
                                  .applicableLayer = FWPM_LAYER_ALE_AUTH_CONNECT_V4};
    NTSTATUS status = FwpmEngineOpen0(NULL, RPC_C_AUTHN_DEFAULT, NULL, NULL, &engine);
    UINT32 id = 0;

    if (NT_SUCCESS(status))
        status = register_code(&CALLOUT_CONNECT_V4, &ids[0]);
    if (NT_SUCCESS(status))
        status = register_code(&CALLOUT_NO_OBJECT, &ids[1]);
    if (!NT_SUCCESS(status))
        return status;
    if (register_code(&CALLOUT_CONNECT_V4, &id) != STATUS_FWP_ALREADY_EXISTS)
        return STATUS_INTERNAL_ERROR;
    status = FwpmCalloutAdd0(engine, &object, NULL, &id);
    if (status == STATUS_FWP_ALREADY_EXISTS)
        return STATUS_SUCCESS;
    return NT_SUCCESS(status) && id != ids[0] ? STATUS_INTERNAL_ERROR : status;
}

static void unload(PDRIVER_OBJECT driver)
{
    fprintf(stderr, "unloading\n");
    if (changes)
        FwpmBfeStateUnsubscribeChanges0(changes);
    for (int i = 0; i < 2; i++)
        FwpsCalloutUnregisterById0(ids[i]);
    FwpmEngineClose0(engine);
}

static NTSTATUS try_engine(void)
{
    HANDLE opened = NULL;
    NTSTATUS status = FwpmEngineOpen0(NULL, RPC_C_AUTHN_DEFAULT, NULL, NULL, &opened);

    if (NT_SUCCESS(status))
        FwpmEngineClose0(opened);
    return status;
}

/* S4: says each state, and whether the engine can be opened in it. */
static void on_state(void *context, FWPM_SERVICE_STATE state)
{
    fprintf(stderr, "told state %d, open %#x\n", state, (unsigned)try_engine());
    if (state == FWPM_SERVICE_RUNNING)
        set_up();
}

static NTSTATUS watch_state(void)
{
    NTSTATUS status = FwpmBfeStateSubscribeChanges0(NULL, on_state, NULL, &changes);
    FWPM_SERVICE_STATE state = FwpmBfeStateGet0();

    if (!NT_SUCCESS(status))
        return status;
    fprintf(stderr, "entered in state %d, open %#x\n", state, (unsigned)try_engine());
    return state == FWPM_SERVICE_RUNNING ? set_up() : STATUS_SUCCESS;
}

static void hang(PDRIVER_OBJECT driver)
{
    for (;;)
        pause();
}

/* Over the channel that the callouts are asked through: descriptor 4. */
static void babble(void)
{
    unsigned char nonsense[512];

    for (unsigned size = 1; size < sizeof(nonsense); size++) {
        memset(nonsense, (int)size * 7, sizeof(nonsense));
        nonsense[0] = (unsigned char)(size % 16);
        memset(nonsense + 1, 0, 3);
        memcpy(nonsense + 4, &size, sizeof(size));
        send(4, nonsense, size, MSG_NOSIGNAL);
    }
}

static BOOLEAN is_called(PDRIVER_OBJECT driver, const char *word)
{
    const WCHAR *name = driver->DriverName.Buffer + sizeof("\\Driver\\") - 1;

    for (; *word; word++, name++)
        if (*name != (WCHAR)*word)
            return FALSE;
    return TRUE;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path)
{
    NTSTATUS status;

    if (is_called(driver, "fails")) {
        fprintf(stderr, "there is no such device\n");
        return STATUS_NOT_SUPPORTED;
    }
    if (is_called(driver, "crashes"))
        raise(SIGSEGV);
    pends = is_called(driver, "pends");
    lasts = is_called(driver, "lasts");
    driver->DriverUnload = is_called(driver, "hangs") ? hang : unload;
    status = is_called(driver, "watches") ? watch_state() : set_up();
    if (is_called(driver, "babbles"))
        babble();
    if (is_called(driver, "parts"))
        send(4, "", 0, MSG_NOSIGNAL); /* as good as hanging up */
    return status;
}
