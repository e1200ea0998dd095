/*
 * block_port PORT: no program may connect to this TCP port, until Enter is pressed.
 *
 * The same file is a Windows program and a Linux one:
 *   Windows   cl block_port.c fwpuclnt.lib
 *   Linux     cc -fshort-wchar block_port.c $(pkg-config --cflags --libs fwpuclnt) -o block_port
 *
 * The session is dynamic: should the program die, the engine removes what it added.
 */
#include <initguid.h>
#include <windows.h>

#include <fwpmu.h>

#include <stdio.h>
#include <stdlib.h>

/* {3f1c9a52-8d67-4b0e-9a41-6c2f70d1e5b8} */
DEFINE_GUID(BLOCK_PORT_PROVIDER, 0x3f1c9a52, 0x8d67, 0x4b0e, 0x9a, 0x41, 0x6c, 0x2f, 0x70, 0xd1,
            0xe5, 0xb8);
/* {a6d0b7e4-15c3-4f29-8b7d-02e94c5a6f13} */
DEFINE_GUID(BLOCK_PORT_SUBLAYER, 0xa6d0b7e4, 0x15c3, 0x4f29, 0x8b, 0x7d, 0x02, 0xe9, 0x4c, 0x5a,
            0x6f, 0x13);

#define PROTOCOL_TCP 6
#define PAGE         16

static WCHAR program_name[] = L"block_port";
static WCHAR filter_name[] = L"block_port: connects to one port";

/* ---- what the policy consists of ---- */

static DWORD add_provider(HANDLE engine)
{
    FWPM_PROVIDER0 provider = {0};

    provider.providerKey = BLOCK_PORT_PROVIDER;
    provider.displayData.name = program_name;
    return FwpmProviderAdd0(engine, &provider, NULL);
}

static DWORD add_sublayer(HANDLE engine)
{
    FWPM_SUBLAYER0 sublayer = {0};
    GUID provider = BLOCK_PORT_PROVIDER;

    sublayer.subLayerKey = BLOCK_PORT_SUBLAYER;
    sublayer.displayData.name = program_name;
    sublayer.providerKey = &provider;
    sublayer.weight = 0x4000;
    return FwpmSubLayerAdd0(engine, &sublayer, NULL);
}

static DWORD add_filter(HANDLE engine, const GUID *layer, UINT16 port)
{
    FWPM_FILTER_CONDITION0 conditions[2] = {0};
    FWPM_FILTER0 filter = {0};
    GUID provider = BLOCK_PORT_PROVIDER;

    conditions[0].fieldKey = FWPM_CONDITION_IP_PROTOCOL;
    conditions[0].matchType = FWP_MATCH_EQUAL;
    conditions[0].conditionValue.type = FWP_UINT8;
    conditions[0].conditionValue.uint8 = PROTOCOL_TCP;
    conditions[1].fieldKey = FWPM_CONDITION_IP_REMOTE_PORT;
    conditions[1].matchType = FWP_MATCH_EQUAL;
    conditions[1].conditionValue.type = FWP_UINT16;
    conditions[1].conditionValue.uint16 = port;

    filter.displayData.name = filter_name;
    filter.providerKey = &provider;
    filter.layerKey = *layer;
    filter.subLayerKey = BLOCK_PORT_SUBLAYER;
    filter.weight.type = FWP_EMPTY;
    filter.numFilterConditions = 2;
    filter.filterCondition = conditions;
    filter.action.type = FWP_ACTION_BLOCK;
    return FwpmFilterAdd0(engine, &filter, NULL, NULL);
}

static DWORD add_policy(HANDLE engine, UINT16 port)
{
    DWORD result = FwpmTransactionBegin0(engine, 0);

    if (result != ERROR_SUCCESS)
        return result;
    result = add_provider(engine);
    if (result == ERROR_SUCCESS)
        result = add_sublayer(engine);
    if (result == ERROR_SUCCESS)
        result = add_filter(engine, &FWPM_LAYER_ALE_AUTH_CONNECT_V4, port);
    if (result == ERROR_SUCCESS)
        result = add_filter(engine, &FWPM_LAYER_ALE_AUTH_CONNECT_V6, port);
    if (result == ERROR_SUCCESS)
        return FwpmTransactionCommit0(engine);
    FwpmTransactionAbort0(engine);
    return result;
}

/* ---- every filter of ours at a layer ---- */

typedef DWORD (*FILTER_VISITOR)(HANDLE engine, const FWPM_FILTER0 *filter);

static DWORD print_filter(HANDLE engine, const FWPM_FILTER0 *filter)
{
    (void)engine;
    printf("  filter %llu, %u conditions\n", (unsigned long long)filter->filterId,
           (unsigned)filter->numFilterConditions);
    return ERROR_SUCCESS;
}

static DWORD delete_filter(HANDLE engine, const FWPM_FILTER0 *filter)
{
    return FwpmFilterDeleteById0(engine, filter->filterId);
}

static DWORD visit_page(HANDLE engine, HANDLE enumeration, FILTER_VISITOR visit, UINT32 *count)
{
    FWPM_FILTER0 **filters = NULL;
    DWORD result = FwpmFilterEnum0(engine, enumeration, PAGE, &filters, count);

    if (result != ERROR_SUCCESS)
        return result;
    for (UINT32 i = 0; i < *count && result == ERROR_SUCCESS; i++)
        result = visit(engine, filters[i]);
    FwpmFreeMemory0((void **)&filters);
    return result;
}

static DWORD visit_filters(HANDLE engine, const GUID *layer, FILTER_VISITOR visit)
{
    FWPM_FILTER_ENUM_TEMPLATE0 wanted = {0};
    GUID provider = BLOCK_PORT_PROVIDER;
    HANDLE enumeration = NULL;
    UINT32 count = PAGE;
    DWORD result;

    wanted.providerKey = &provider;
    wanted.layerKey = *layer;
    wanted.enumType = FWP_FILTER_ENUM_OVERLAPPING;
    wanted.actionMask = 0xffffffff;
    result = FwpmFilterCreateEnumHandle0(engine, &wanted, &enumeration);
    if (result != ERROR_SUCCESS)
        return result;
    while (result == ERROR_SUCCESS && count == PAGE)
        result = visit_page(engine, enumeration, visit, &count);
    FwpmFilterDestroyEnumHandle0(engine, enumeration);
    return result;
}

static DWORD visit_policy(HANDLE engine, FILTER_VISITOR visit)
{
    DWORD result = visit_filters(engine, &FWPM_LAYER_ALE_AUTH_CONNECT_V4, visit);

    if (result == ERROR_SUCCESS)
        result = visit_filters(engine, &FWPM_LAYER_ALE_AUTH_CONNECT_V6, visit);
    return result;
}

static DWORD delete_policy(HANDLE engine)
{
    DWORD result = visit_policy(engine, delete_filter);

    if (result == ERROR_SUCCESS)
        result = FwpmSubLayerDeleteByKey0(engine, &BLOCK_PORT_SUBLAYER);
    if (result == ERROR_SUCCESS)
        result = FwpmProviderDeleteByKey0(engine, &BLOCK_PORT_PROVIDER);
    return result;
}

/* ---- the program ---- */

static int failed(const char *what, DWORD code)
{
    fprintf(stderr, "block_port: %s: error 0x%08x\n", what, (unsigned)code);
    return EXIT_FAILURE;
}

static int block(HANDLE engine, UINT16 port)
{
    DWORD result = add_policy(engine, port);

    if (result != ERROR_SUCCESS)
        return failed("adding the filters", result);
    printf("No program may connect to TCP port %u; press Enter to end this.\n", port);
    result = visit_policy(engine, print_filter);
    if (result != ERROR_SUCCESS)
        return failed("enumerating the filters", result);
    fflush(stdout);
    getchar();
    result = delete_policy(engine);
    return result == ERROR_SUCCESS ? EXIT_SUCCESS : failed("deleting the filters", result);
}

int main(int argc, char **argv)
{
    unsigned long port = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
    FWPM_SESSION0 session = {0};
    HANDLE engine = NULL;
    DWORD result;
    int status;

    if (port == 0 || port > 65535) {
        fprintf(stderr, "usage: block_port PORT\n");
        return 2;
    }
    session.displayData.name = program_name;
    session.flags = FWPM_SESSION_FLAG_DYNAMIC;
    result = FwpmEngineOpen0(NULL, RPC_C_AUTHN_WINNT, NULL, &session, &engine);
    if (result != ERROR_SUCCESS)
        return failed("opening the engine", result);
    status = block(engine, (UINT16)port);
    FwpmEngineClose0(engine);
    return status;
}
