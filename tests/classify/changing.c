#include "changing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *memory)
{
    if (memory == NULL) {
        fprintf(stderr, "out of memory for a changing policy\n");
        exit(1);
    }
    return memory;
}

static void fail(const struct changing *changing, const char *what, uint32_t code, const char *why)
{
    fprintf(stderr, "%s, change %lu: %s: %#x %s\n", changing->set.name, changing->changes, what,
            code, why);
    exit(1);
}

/* ---- images ---- */

static void put_in_force(struct changing *changing, struct classify_image *image)
{
    if (changing->kernel != NULL && !kernel_side_load(changing->kernel, image))
        exit(1);
    classify_image_free(changing->image);
    changing->image = image;
}

static void compile(struct changing *changing, const struct model_view_filter *view, size_t count)
{
    struct classify_image *image;
    struct model_error error;
    uint32_t code = classify_compile(view, count, &policy_set_intern, &image, &error);
    if (code != 0)
        fail(changing, "does not compile", code, error.text);
    put_in_force(changing, image);
}

void changing_whole(struct changing *changing)
{
    for (size_t i = 0; i < changing->in_force; i++)
        changing->view[i] = changing->set.view[changing->places[i]];
    classify_rebuild_free(changing->rebuild);
    changing->rebuild = NULL;
    compile(changing, changing->view, changing->in_force);
    changing->whole++;
}

void changing_rebuild(struct changing *changing)
{
    if (changing->rebuild != NULL)
        return;
    changing->rebuild = checked(classify_rebuild_begin(changing->image));
    classify_rebuild_run(changing->rebuild);
}

void changing_rebuilt(struct changing *changing)
{
    struct classify_image *image;
    struct model_error error;
    if (changing->rebuild == NULL)
        return;
    uint32_t code = classify_rebuild_end(changing->rebuild, changing->image, &image, &error);
    if (code != 0 && code != CLASSIFY_NO_ROOM)
        fail(changing, "can't be rebuilt", code, error.text);
    classify_rebuild_free(changing->rebuild);
    changing->rebuild = NULL;
    if (code == 0) {
        put_in_force(changing, image);
        changing->rebuilds++;
    }
}

/* ---- the universe ---- */

static void swap_places(struct changing *changing, size_t a, size_t b)
{
    size_t other = changing->places[a];
    changing->places[a] = changing->places[b];
    changing->places[b] = other;
}

static void give_id(struct changing *changing, size_t place)
{
    changing->set.filters[place].filterId = ++changing->last_id;
}

void changing_begin(struct changing *changing, const char *name, size_t count,
                    struct kernel_side *kernel, uint64_t seed)
{
    *changing = (struct changing){.kernel = kernel, .random.state = seed};
    if (!policy_set_make(&changing->set, name, count)) {
        fprintf(stderr, "no set is called %s\n", name);
        exit(2);
    }
    size_t all = changing->set.count;
    changing->places = checked(calloc(all + 1, sizeof *changing->places));
    changing->reference = checked(calloc(all + 1, sizeof *changing->reference));
    changing->view = checked(calloc(all + 1, sizeof *changing->view));
    for (size_t i = 0; i < all; i++) {
        changing->places[i] = i;
        give_id(changing, i);
        swap_places(changing, i, random_below(&changing->random, (uint32_t)i + 1));
    }
    changing->in_force = all;
    compile(changing, changing->set.view, all);
}

void changing_end(struct changing *changing)
{
    classify_rebuild_free(changing->rebuild);
    classify_image_free(changing->image);
    policy_set_free(&changing->set);
    free(changing->places);
    free(changing->reference);
    free(changing->view);
}

/* ---- changes ---- */

static void list_begin(struct change_list *list, size_t capacity)
{
    *list = (struct change_list){
        .capacity = capacity,
        .filters = checked(calloc(capacity + 1, sizeof *list->filters)),
        .view = checked(calloc(capacity + 1, sizeof *list->view)),
    };
}

static void list_add(struct change_list *list, const struct model_view_filter *view)
{
    list->filters[list->count] = *view->filter;
    list->view[list->count] = *view;
    list->view[list->count].filter = &list->filters[list->count];
    list->count++;
}

static size_t at_most(size_t number, size_t limit)
{
    return number < limit ? number : limit;
}

void changing_draw(struct changing *changing, size_t most, struct drawn_change *change)
{
    struct random *random = &changing->random;
    size_t all = changing->set.count;
    size_t deleted = at_most(random_below(random, (uint32_t)most + 1), changing->in_force);
    size_t added =
        at_most(random_below(random, (uint32_t)most + 1), all - changing->in_force + deleted);
    list_begin(&change->deleted, deleted);
    list_begin(&change->added, added);
    for (size_t i = 0; i < deleted; i++) {
        size_t at = random_below(random, (uint32_t)changing->in_force);
        list_add(&change->deleted, &changing->set.view[changing->places[at]]);
        swap_places(changing, at, --changing->in_force);
    }
    for (size_t i = 0; i < added; i++) {
        size_t at = random_between(random, (uint32_t)changing->in_force, (uint32_t)all - 1);
        give_id(changing, changing->places[at]);
        list_add(&change->added, &changing->set.view[changing->places[at]]);
        swap_places(changing, at, changing->in_force++);
    }
}

void drawn_change_free(struct drawn_change *change)
{
    free(change->added.filters);
    free(change->added.view);
    free(change->deleted.filters);
    free(change->deleted.view);
    *change = (struct drawn_change){0};
}

bool changing_prepare(struct changing *changing, const struct drawn_change *change)
{
    struct classify_change real = {.added = change->added.view,
                                   .deleted = change->deleted.view,
                                   .added_count = change->added.count,
                                   .deleted_count = change->deleted.count};
    struct model_error error;
    uint32_t code = classify_change_prepare(changing->image, &real, &policy_set_intern, &error);
    changing->changes++;
    if (code != 0 && code != CLASSIFY_NO_ROOM)
        fail(changing, "is refused", code, error.text);
    return code == 0;
}

void changing_publish(struct changing *changing)
{
    classify_change_publish(changing->image);
}

/* The universe as it is, for changing_cancelled(). */
struct mark {
    size_t *places, in_force;
    uint64_t *ids;
};

static struct mark remember(const struct changing *changing)
{
    size_t all = changing->set.count;
    struct mark mark = {.places = checked(calloc(all + 1, sizeof *mark.places)),
                        .in_force = changing->in_force,
                        .ids = checked(calloc(all + 1, sizeof *mark.ids))};
    memcpy(mark.places, changing->places, all * sizeof *mark.places);
    for (size_t i = 0; i < all; i++)
        mark.ids[i] = changing->set.filters[i].filterId;
    return mark;
}

static void go_back(struct changing *changing, struct mark *mark)
{
    memcpy(changing->places, mark->places, changing->set.count * sizeof *mark->places);
    changing->in_force = mark->in_force;
    for (size_t i = 0; i < changing->set.count; i++)
        changing->set.filters[i].filterId = mark->ids[i];
    free(mark->places);
    free(mark->ids);
}

void changing_cancelled(struct changing *changing, size_t most)
{
    struct mark mark = remember(changing);
    struct drawn_change change;
    changing_draw(changing, most, &change);
    if (changing_prepare(changing, &change))
        classify_change_cancel(changing->image);
    changing->cancelled++;
    drawn_change_free(&change);
    go_back(changing, &mark);
}

/* ---- the reference ---- */

void changing_sort(struct changing *changing)
{
    for (size_t i = 0; i < changing->in_force; i++)
        changing->reference[i] = policy_set_reference_one(&changing->set.view[changing->places[i]]);
    reference_sort(changing->reference, changing->in_force);
}

struct reference_result changing_reference(const struct changing *changing,
                                           const struct classify_key *key)
{
    return agreement_reference(&changing->set, changing->reference, changing->in_force, key);
}
