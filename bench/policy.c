/*
 * The client of bench/policy.py: loads filters and changes single ones through the public API.
 *
 *   policy SOCKET    commands from standard input, one line of answer each
 *
 *   load COUNT WAY           COUNT filters in one transaction; answers the nanoseconds. Ways: many
 *                            (by OpenWfpFilterAddMany), persistent (likewise, persistent ones),
 *                            replace (likewise, in the place of what is loaded), single (by one
 *                            FwpmFilterAdd0 each)
 *   clear                    deletes what was loaded, in one transaction; answers the nanoseconds
 *   change COUNT             COUNT times adds a filter and deletes one of those loaded, each in a
 *                            transaction of its own: what is loaded turns into something else;
 *                            answers the nanoseconds of each: add delete add delete ...
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <fwpmu.h>
#include <openwfp.h>

#define CONDITIONS 3

struct bench {
    HANDLE engine;
    UINT64 *ids; /* of what is loaded */
    UINT32 count, changes, made;
};

/* Of loading. */
struct way {
    const char *name;
    void (*add)(struct bench *bench, const FWPM_FILTER0 *filters);
    UINT32 flags; /* of the filters */
    bool replaces;
};

static uint64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void check(DWORD code, const char *what)
{
    if (code == ERROR_SUCCESS)
        return;
    fprintf(stderr, "policy: %s: %#x: %s\n", what, code, OpenWfpLastErrorText());
    exit(1);
}

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count + 1, size);

    if (memory)
        return memory;
    fprintf(stderr, "policy: out of memory\n");
    exit(1);
}

/* ---- the filters ---- */

/* Blocks TCP to one address and port: another one for each n. */
static FWPM_FILTER0 make_filter(uint32_t n, FWPM_FILTER_CONDITION0 *conditions)
{
    static WCHAR name[] = {'b', 'e', 'n', 'c', 'h', 0};

    conditions[0].fieldKey = FWPM_CONDITION_IP_PROTOCOL;
    conditions[0].conditionValue.type = FWP_UINT8;
    conditions[0].conditionValue.uint8 = 6;
    conditions[1].fieldKey = FWPM_CONDITION_IP_REMOTE_ADDRESS;
    conditions[1].conditionValue.type = FWP_UINT32;
    conditions[1].conditionValue.uint32 = 0x0a000000u | n;
    conditions[2].fieldKey = FWPM_CONDITION_IP_REMOTE_PORT;
    conditions[2].conditionValue.type = FWP_UINT16;
    conditions[2].conditionValue.uint16 = (UINT16)(1024 + n % 50000);
    return (FWPM_FILTER0){
        .displayData.name = name,
        .layerKey = FWPM_LAYER_ALE_AUTH_CONNECT_V4,
        .numFilterConditions = CONDITIONS,
        .filterCondition = conditions,
        .action.type = FWP_ACTION_BLOCK,
    };
}

static void load_many(struct bench *bench, const FWPM_FILTER0 *filters)
{
    check(OpenWfpFilterAddMany(bench->engine, filters, bench->count, bench->ids, NULL),
          "OpenWfpFilterAddMany");
}

static void load_single(struct bench *bench, const FWPM_FILTER0 *filters)
{
    for (UINT32 i = 0; i < bench->count; i++)
        check(FwpmFilterAdd0(bench->engine, &filters[i], NULL, &bench->ids[i]), "FwpmFilterAdd0");
}

static void delete_all(struct bench *bench)
{
    check(OpenWfpFilterDeleteMany(bench->engine, bench->ids, bench->count, NULL),
          "OpenWfpFilterDeleteMany");
    free(bench->ids);
    bench->ids = NULL;
    bench->count = 0;
}

/* In the place of what is loaded, if the way says so. */
static void load(struct bench *bench, UINT32 count, const struct way *way)
{
    FWPM_FILTER_CONDITION0 *conditions = allocate((size_t)count * CONDITIONS, sizeof(*conditions));
    FWPM_FILTER0 *filters = allocate(count, sizeof(*filters));
    UINT64 *ids = allocate(count, sizeof(*ids));

    for (UINT32 i = 0; i < count; i++) {
        filters[i] = make_filter(bench->made++, conditions + (size_t)i * CONDITIONS);
        filters[i].flags = way->flags;
    }
    uint64_t start = now();
    check(FwpmTransactionBegin0(bench->engine, 0), "FwpmTransactionBegin0");
    if (way->replaces)
        delete_all(bench);
    free(bench->ids);
    bench->ids = ids;
    bench->count = count;
    way->add(bench, filters);
    check(FwpmTransactionCommit0(bench->engine), "FwpmTransactionCommit0");
    printf("%llu\n", (unsigned long long)(now() - start));
    free(filters);
    free(conditions);
}

static const struct way *find_way(const char *name)
{
    static const struct way ways[] = {{"many", load_many, 0, false},
                                      {"persistent", load_many, FWPM_FILTER_FLAG_PERSISTENT, false},
                                      {"replace", load_many, 0, true},
                                      {"single", load_single, 0, false}};

    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
        if (!strcmp(ways[i].name, name))
            return &ways[i];
    return NULL;
}

static void clear(struct bench *bench)
{
    uint64_t start = now();

    check(FwpmTransactionBegin0(bench->engine, 0), "FwpmTransactionBegin0");
    delete_all(bench);
    check(FwpmTransactionCommit0(bench->engine), "FwpmTransactionCommit0");
    printf("%llu\n", (unsigned long long)(now() - start));
}

/* Adds a filter that is not among those loaded, which then takes the place of one that is. */
static void change_one(struct bench *bench)
{
    UINT32 number = bench->changes++, place = (UINT32)(number * UINT64_C(7919) % bench->count);
    FWPM_FILTER_CONDITION0 conditions[CONDITIONS] = {0};
    FWPM_FILTER0 filter = make_filter(0x800000u + number, conditions);
    UINT64 id;
    uint64_t start = now(), added;

    check(FwpmFilterAdd0(bench->engine, &filter, NULL, &id), "FwpmFilterAdd0");
    added = now();
    check(FwpmFilterDeleteById0(bench->engine, bench->ids[place]), "FwpmFilterDeleteById0");
    printf("%llu %llu ", (unsigned long long)(added - start), (unsigned long long)(now() - added));
    bench->ids[place] = id;
}

static void change(struct bench *bench, UINT32 times)
{
    for (UINT32 i = 0; i < times && bench->count; i++)
        change_one(bench);
    printf("\n");
}

static bool run(struct bench *bench, const char *line)
{
    char name[16];
    unsigned count;
    const struct way *way;

    if (sscanf(line, "load %u %15s", &count, name) == 2 && (way = find_way(name)))
        load(bench, count, way);
    else if (sscanf(line, "change %u", &count) == 1)
        change(bench, count);
    else if (!strncmp(line, "clear", 5))
        clear(bench);
    else
        return false;
    return fflush(stdout) == 0;
}

int main(int argc, char **argv)
{
    struct bench bench = {0};
    char line[64];

    if (argc != 2) {
        fprintf(stderr, "usage: policy SOCKET <COMMANDS\n");
        return 2;
    }
    setenv("OPENWFP_SOCKET", argv[1], 1);
    check(FwpmEngineOpen0(NULL, RPC_C_AUTHN_WINNT, NULL, NULL, &bench.engine), "FwpmEngineOpen0");
    while (fgets(line, sizeof(line), stdin))
        if (!run(&bench, line)) {
            fprintf(stderr, "policy: can't do: %s", line);
            return 2;
        }
    FwpmEngineClose0(bench.engine);
    free(bench.ids);
    return 0;
}
