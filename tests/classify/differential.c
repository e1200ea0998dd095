/*
 * The differential test of classification: random filter sets and operations are decided by the
 * naive reference (src/model/reference.h), by the compiled lookup in user space and by the same
 * lookup in the kernel. They must agree on the action, the right that is left, the filter, vetoes
 * and silence.
 *
 *   differential OBJECT [SETS [SEED]]
 */
#include "random_policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agreement.h"
#include "scripted.h"

struct tally {
    unsigned long pairs, matched, blocked, vetoed, differences, kernel_differences;
};

static struct reference_result ask_reference(const struct random_policy *policy,
                                             const struct random_operation *operation)
{
    struct reference_query query = {.layer = &operation->layer->key,
                                    .fields = operation->fields,
                                    .field_count = operation->field_count,
                                    .callout = scripted_reference};
    struct reference_result result;
    if (!reference_classify(policy->reference, policy->count, &query, &result)) {
        fprintf(stderr, "out of memory\n");
        exit(1);
    }
    return result;
}

static void report(unsigned long *differences, unsigned long set, const char *who,
                   const struct random_operation *operation,
                   const struct reference_result *reference, const struct classify_result *result)
{
    if ((*differences)++ < 10)
        printf("# set %lu, layer %s: the reference says %#x by filter %lu (right %d, veto %d, "
               "silent %d), %s says %#x by filter %llu (rights %u, flags %u)\n",
               set, operation->layer->name, reference->action, (unsigned long)reference->filter_id,
               reference->right, reference->veto, reference->absorb, who, result->action,
               (unsigned long long)result->filter_id, result->rights, result->flags);
}

static void compare_set(struct tally *tally, unsigned long set, struct random_policy *policy,
                        struct kernel_side *kernel, struct random *random)
{
    static struct random_operation operations[DIFFERENTIAL_KEYS];
    struct classify_image *image;
    struct model_error error;
    if (classify_compile(policy->view, policy->count, &random_intern, &image, &error) != 0) {
        printf("# set %lu does not compile: %s\n", set, error.text);
        tally->differences++;
        return;
    }
    for (int i = 0; i < DIFFERENTIAL_KEYS; i++)
        random_operation_make(&operations[i], policy, image, random);
    if (kernel != NULL) {
        for (int i = 0; i < DIFFERENTIAL_KEYS; i++)
            kernel_side_walks(kernel)[i] = operations[i].walk;
        if (!kernel_side_load(kernel, image) || !kernel_side_decide(kernel))
            exit(1);
    }
    for (int i = 0; i < DIFFERENTIAL_KEYS; i++) {
        struct reference_result reference = ask_reference(policy, &operations[i]);
        classify_evaluate(image, &operations[i].walk, &agreement_trace);
        if (!agreement_holds(&reference, &operations[i].walk.result))
            report(&tally->differences, set, "the lookup", &operations[i], &reference,
                   &operations[i].walk.result);
        if (kernel != NULL && !agreement_holds(&reference, &kernel_side_walks(kernel)[i].result))
            report(&tally->kernel_differences, set, "the kernel", &operations[i], &reference,
                   &kernel_side_walks(kernel)[i].result);
        tally->pairs++;
        tally->matched += reference.filter_id != 0;
        tally->blocked += reference.action == FWP_ACTION_BLOCK;
        tally->vetoed += reference.veto;
    }
    classify_image_free(image);
}

int main(int argc, char **argv)
{
    static struct random_policy policy;
    if (argc < 2) {
        fprintf(stderr, "usage: differential OBJECT|- [SETS [SEED]]\n");
        return 2;
    }
    unsigned long sets = argc > 2 ? strtoul(argv[2], NULL, 0) : 2000;
    struct random random = {.state = argc > 3 ? strtoull(argv[3], NULL, 0) : 20260101};
    printf("1..2\n# seed %llu, %lu sets of %d operations\n", (unsigned long long)random.state, sets,
           DIFFERENTIAL_KEYS);
    struct tally tally = {0};
    const char *skip = strcmp(argv[1], "-") == 0  ? "not asked for"
                       : !kernel_side_permitted() ? "BPF is not permitted here"
                                                  : NULL;
    struct kernel_side *kernel = skip == NULL ? kernel_side_open(argv[1]) : NULL;
    for (unsigned long set = 0; set < sets; set++) {
        random_policy_make(&policy, &random);
        compare_set(&tally, set, &policy, kernel, &random);
    }
    printf("# %lu operations: a filter stood in %lu, %lu blocked, %lu vetoed\n", tally.pairs,
           tally.matched, tally.blocked, tally.vetoed);
    printf("%s 1 - reference and lookup agree\n", tally.differences == 0 ? "ok" : "not ok");
    bool kernel_agrees = skip != NULL || (kernel != NULL && tally.kernel_differences == 0);
    printf("%s 2 - the kernel agrees%s%s\n", kernel_agrees ? "ok" : "not ok",
           skip != NULL ? " # SKIP " : "", skip != NULL ? skip : "");
    kernel_side_close(kernel);
    return tally.differences != 0 || !kernel_agrees;
}
