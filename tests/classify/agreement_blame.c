#include "agreement.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_TRIES 500
#define MOST_SHOWN 12

struct trial {
    const struct policy_set *set;
    const struct classify_key *key;
    struct kernel_side *kernel;
    struct model_view_filter *view, *rest; /* those that are left; some of them */
    struct reference_filter *reference;
    size_t count;
    unsigned tries;
};

static bool kernel_answer(struct kernel_side *kernel, struct classify_image *image,
                          struct classify_walk *walk)
{
    kernel_side_walks(kernel)[0] = *walk;
    if (!kernel_side_load(kernel, image) || !kernel_side_decide(kernel))
        return false;
    *walk = kernel_side_walks(kernel)[0];
    return true;
}

/* False also where they can't be compared. */
static bool differ(struct trial *trial, const struct model_view_filter *view, size_t count,
                   bool show)
{
    struct classify_image *image;
    struct model_error error;
    trial->tries++;
    if (classify_compile(view, count, &policy_set_intern, &image, &error) != 0)
        return false;
    struct classify_walk walk = agreement_walk(trial->set, image, trial->key);
    bool answered = trial->kernel == NULL || kernel_answer(trial->kernel, image, &walk);
    if (trial->kernel == NULL)
        classify_evaluate(image, &walk, &agreement_trace);
    for (size_t i = 0; i < count; i++)
        trial->reference[i] = policy_set_reference_one(&view[i]);
    reference_sort(trial->reference, count);
    struct reference_result reference =
        agreement_reference(trial->set, trial->reference, count, trial->key);
    if (show) {
        agreement_print_reference(&reference);
        agreement_print(trial->kernel == NULL ? "the lookup" : "the kernel", &walk.result);
    }
    classify_image_free(image);
    return answered && !agreement_holds(&reference, &walk.result);
}

static bool leave_out(struct trial *trial, size_t at, size_t some)
{
    memcpy(trial->rest, trial->view, at * sizeof *trial->rest);
    memcpy(trial->rest + at, trial->view + at + some,
           (trial->count - at - some) * sizeof *trial->rest);
    if (!differ(trial, trial->rest, trial->count - some, false))
        return false;
    trial->count -= some;
    memcpy(trial->view, trial->rest, trial->count * sizeof *trial->view);
    return true;
}

static void shrink(struct trial *trial)
{
    for (size_t some = trial->count / 2; some > 0; some /= 2) {
        for (size_t at = 0; at + some <= trial->count && trial->tries < MOST_TRIES;) {
            if (!leave_out(trial, at, some))
                at += some;
        }
    }
}

static void show(struct trial *trial)
{
    printf("# with these %zu of %zu filters they differ, too:\n", trial->count, trial->set->count);
    differ(trial, trial->view, trial->count, true);
    for (size_t i = 0; i < trial->count && i < MOST_SHOWN; i++)
        agreement_print_filter(&trial->view[i]);
    if (trial->count > MOST_SHOWN)
        printf("#   and %zu more\n", trial->count - MOST_SHOWN);
}

void agreement_blame(const struct policy_set *set, const struct classify_key *key,
                     struct kernel_side *kernel)
{
    struct trial trial = {.set = set,
                          .key = key,
                          .kernel = kernel,
                          .view = calloc(set->count + 1, sizeof *trial.view),
                          .rest = calloc(set->count + 1, sizeof *trial.rest),
                          .reference = calloc(set->count + 1, sizeof *trial.reference),
                          .count = set->count};
    if (trial.view != NULL && trial.rest != NULL && trial.reference != NULL) {
        memcpy(trial.view, set->view, set->count * sizeof *trial.view);
        shrink(&trial);
        show(&trial);
    }
    free(trial.view);
    free(trial.rest);
    free(trial.reference);
}
