/*
 * Changes a policy without end, in whole transactions, so that whoever finds it after a crash can
 * tell whether all of a transaction is there.
 *
 *     changer run SEED   commits until bfe is gone; a line "ready", then "begin F G" before each
 *                        commit of generation G of family F, "done F G" after it
 *     changer look       a line "F G STATIC PERSISTENT BOOT-TIME" for each generation found, with
 *                        how many filters it has of each lifetime
 *
 * A transaction replaces all filters of one family by those of its next generation. A filter's key
 * says which it is: family, index, generation.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openwfp.h>

#define MARK     0xfa170000u
#define LARGEST  600
#define AT_ONCE  256
#define FAMILIES (sizeof(families) / sizeof(families[0]))
#define MOST     (FAMILIES * 2 * LARGEST)

static const struct family {
    unsigned size;
    UINT32 flags[3]; /* of its filters, in turn */
} families[] = {
    {3, {0, 0, 0}},
    {2, {FWPM_FILTER_FLAG_PERSISTENT, FWPM_FILTER_FLAG_PERSISTENT, FWPM_FILTER_FLAG_PERSISTENT}},
    {6, {0, FWPM_FILTER_FLAG_PERSISTENT, FWPM_FILTER_FLAG_BOOTTIME}},
    {LARGEST, {0, 0, 0}},
    {400, {0, FWPM_FILTER_FLAG_PERSISTENT, FWPM_FILTER_FLAG_BOOTTIME}},
};

/* What is there of one generation of a family. */
struct found {
    unsigned family, generation, count[3];
};

static struct found found[64];
static unsigned found_count;
static UINT64 ids[FAMILIES][LARGEST];
static unsigned id_count[FAMILIES], generation[FAMILIES];

static void fail(const char *what, DWORD code)
{
    fprintf(stderr, "changer: %s: 0x%08x\n", what, (unsigned)code);
    exit(2);
}

/* ---- looking ---- */

static struct found *generation_of(unsigned family, unsigned number)
{
    for (unsigned i = 0; i < found_count; i++)
        if (found[i].family == family && found[i].generation == number)
            return &found[i];
    if (found_count == sizeof(found) / sizeof(found[0]))
        fail("too many generations", 0);
    found[found_count] = (struct found){family, number, {0}};
    return &found[found_count++];
}

static void note(const FWPM_FILTER0 *filter)
{
    unsigned family = filter->filterKey.Data1 & 0xffff, number, lifetime;

    if ((filter->filterKey.Data1 & 0xffff0000u) != MARK || family >= FAMILIES)
        return;
    memcpy(&number, filter->filterKey.Data4, sizeof(number));
    lifetime = filter->flags & FWPM_FILTER_FLAG_BOOTTIME     ? 2
               : filter->flags & FWPM_FILTER_FLAG_PERSISTENT ? 1
                                                             : 0;
    generation_of(family, number)->count[lifetime]++;
    if (id_count[family] < LARGEST)
        ids[family][id_count[family]++] = filter->filterId;
    generation[family] = number;
}

static void look(HANDLE engine)
{
    const FWPM_FILTER_ENUM_TEMPLATE0 all = {.flags = FWP_FILTER_ENUM_FLAG_INCLUDE_BOOTTIME,
                                            .layerKey = FWPM_LAYER_ALE_AUTH_CONNECT_V4,
                                            .actionMask = 0xffffffff};
    FWPM_FILTER0 **filters = NULL;
    HANDLE enumeration = NULL;
    UINT32 given = AT_ONCE;
    DWORD code = FwpmFilterCreateEnumHandle0(engine, &all, &enumeration);

    while (code == ERROR_SUCCESS && given == AT_ONCE) {
        code = FwpmFilterEnum0(engine, enumeration, AT_ONCE, &filters, &given);
        for (UINT32 i = 0; code == ERROR_SUCCESS && i < given; i++)
            note(filters[i]);
        FwpmFreeMemory0((void **)&filters);
    }
    if (code != ERROR_SUCCESS)
        fail("can't enumerate", code);
}

static void print_found(void)
{
    for (unsigned i = 0; i < found_count; i++)
        printf("%u %u %u %u %u\n", found[i].family, found[i].generation, found[i].count[0],
               found[i].count[1], found[i].count[2]);
}

/* ---- changing ---- */

static unsigned next(unsigned *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 16;
}

static DWORD add_all(HANDLE engine, unsigned family)
{
    static WCHAR name[] = u"changer";
    static FWPM_FILTER_CONDITION0 conditions[LARGEST];
    static FWPM_FILTER0 filters[LARGEST];

    for (unsigned i = 0; i < families[family].size; i++) {
        conditions[i] = (FWPM_FILTER_CONDITION0){
            .fieldKey = FWPM_CONDITION_IP_REMOTE_PORT,
            .matchType = FWP_MATCH_EQUAL,
            .conditionValue = {.type = FWP_UINT16, .uint16 = (UINT16)(20000 + i)},
        };
        filters[i] = (FWPM_FILTER0){
            .filterKey = {MARK | family, (UINT16)i, 0, {0}},
            .displayData.name = name,
            .flags = families[family].flags[i % 3],
            .layerKey = FWPM_LAYER_ALE_AUTH_CONNECT_V4,
            .action.type = FWP_ACTION_BLOCK,
            .numFilterConditions = 1,
            .filterCondition = &conditions[i],
        };
        memcpy(filters[i].filterKey.Data4, &generation[family], sizeof(generation[family]));
    }
    return OpenWfpFilterAddMany(engine, filters, families[family].size, ids[family], NULL);
}

static DWORD replace(HANDLE engine, unsigned family)
{
    DWORD code = FwpmTransactionBegin0(engine, 0);

    if (code == ERROR_SUCCESS && id_count[family])
        code = OpenWfpFilterDeleteMany(engine, ids[family], id_count[family], NULL);
    generation[family]++;
    if (code == ERROR_SUCCESS)
        code = add_all(engine, family);
    id_count[family] = families[family].size;
    if (code != ERROR_SUCCESS)
        return code;
    printf("begin %u %u\n", family, generation[family]);
    code = FwpmTransactionCommit0(engine);
    if (code == ERROR_SUCCESS)
        printf("done %u %u\n", family, generation[family]);
    return code;
}

static bool bfe_is_gone(DWORD code)
{
    return code == RPC_S_CALL_FAILED || code == RPC_S_SERVER_UNAVAILABLE ||
           code == EPT_S_NOT_REGISTERED || code == FWP_E_SESSION_ABORTED;
}

static void run(HANDLE engine, unsigned seed)
{
    DWORD code = ERROR_SUCCESS;

    look(engine);
    puts("ready");
    while (code == ERROR_SUCCESS)
        code = replace(engine, next(&seed) % FAMILIES);
    if (!bfe_is_gone(code))
        fail("a transaction failed", code);
}

int main(int argc, char **argv)
{
    HANDLE engine = NULL;
    DWORD code = FwpmEngineOpen0(NULL, RPC_C_AUTHN_WINNT, NULL, NULL, &engine);

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc < 2)
        return 2;
    if (code != ERROR_SUCCESS)
        fail("can't open the engine", code);
    if (!strcmp(argv[1], "run")) {
        run(engine, argc > 2 ? (unsigned)strtoul(argv[2], NULL, 0) : 0);
    } else {
        look(engine);
        print_found();
    }
    FwpmEngineClose0(engine);
    return 0;
}
