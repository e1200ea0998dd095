/*
 * Prints the rules that tests and benches use (tests/lib/classbench.h), for other classifiers.
 *
 *   policy-set SEED COUNT rules            ClassBench's text format
 *   policy-set SEED COUNT nft              a table "policy_set" with a chain "rules" for nft -f
 *   policy-set SEED COUNT wfp              a policy for wfp apply, at ALE_AUTH_CONNECT_V4
 *   policy-set SEED COUNT trace HEADERS [LOCALITY]     headers in random rules of the set, one a
 *                                          line, in bursts as ClassBench's (LOCALITY 0.1) or not
 *   policy-set SEED COUNT answers HEADERS [LOCALITY]   the same, and the place (from 0) of the
 *                                          first rule that matches, found one by one
 *
 * SEED is acl, fw or ipc. Where a rule has an action, one in three blocks. All output of the same
 * seed and count is about the same rules.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../tests/lib/classbench_text.h"

#define MOST 1000000u

struct set {
    enum classbench_seed seed;
    struct classbench_rule *rules;
    size_t count;
};

static void write_rules(const struct set *set)
{
    for (size_t i = 0; i < set->count; i++)
        classbench_write_rule(stdout, &set->rules[i]);
}

static void write_nft(const struct set *set)
{
    puts("table ip policy_set {\n    chain rules {");
    for (size_t i = 0; i < set->count; i++) {
        fputs("       ", stdout);
        classbench_write_nft(stdout, &set->rules[i]);
        puts(classbench_blocks(i) ? " drop" : " accept");
    }
    puts("    }\n}");
}

static void write_policy(const struct set *set)
{
    printf("provider \"%s %zu\"\n", classbench_seed_name(set->seed), set->count);
    for (size_t i = 0; i < set->count; i++) {
        fputs(classbench_blocks(i) ? "block connect ipv4" : "permit connect ipv4", stdout);
        classbench_write_policy(stdout, &set->rules[i]);
        putchar('\n');
    }
}

static void write_trace(const struct set *set, size_t count, double locality, bool answers)
{
    struct random random = {.state = 0x7ace + set->count};
    struct classbench_header *headers = calloc(count + 1, sizeof *headers);
    if (headers == NULL) {
        fprintf(stderr, "policy-set: out of memory\n");
        exit(1);
    }
    classbench_trace(set->rules, set->count, locality, headers, count, &random);
    for (size_t i = 0; i < count; i++) {
        classbench_write_header(stdout, &headers[i]);
        if (answers)
            printf("\t%zu", classbench_first(set->rules, set->count, &headers[i]));
        putchar('\n');
    }
    free(headers);
}

static int usage(void)
{
    fprintf(stderr, "usage: policy-set acl|fw|ipc COUNT rules|nft|wfp\n"
                    "       policy-set acl|fw|ipc COUNT trace|answers HEADERS [LOCALITY]\n");
    return 2;
}

int main(int argc, char **argv)
{
    struct set set;
    if (argc < 4 || !classbench_seed_by_name(argv[1], &set.seed))
        return usage();
    set.count = strtoul(argv[2], NULL, 10);
    bool trace = strcmp(argv[3], "trace") == 0, answers = strcmp(argv[3], "answers") == 0;
    if (set.count < 1 || set.count > MOST || ((trace || answers) && argc < 5))
        return usage();
    set.rules = calloc(set.count, sizeof *set.rules);
    if (set.rules == NULL || !classbench_make(set.seed, set.rules, set.count)) {
        fprintf(stderr, "policy-set: out of memory\n");
        return 1;
    }
    if (trace || answers)
        write_trace(&set, strtoul(argv[4], NULL, 10), argc > 5 ? strtod(argv[5], NULL) : 0,
                    answers);
    else if (strcmp(argv[3], "nft") == 0)
        write_nft(&set);
    else if (strcmp(argv[3], "wfp") == 0)
        write_policy(&set);
    else if (strcmp(argv[3], "rules") == 0)
        write_rules(&set);
    else
        return usage();
    free(set.rules);
    return fflush(stdout) == 0 ? 0 : 1;
}
