#include "cut.h"

#include <stdlib.h>
#include <string.h>

#define SAMPLE       256u  /* boxes looked at to choose; all, when there are no more */
#define MAX_CHILDREN 1024u /* of one node, and no more than stand in one block */
#define SET_ASIDE_AT 48u   /* in smaller sets wide boxes are not worth another tree */

/* ---- what a cut does to a box ---- */

static struct box_range clipped(const struct box *box, const struct region *region, int dimension)
{
    struct box_range range = box->range[dimension], limit = region->range[dimension];
    if (range.lo < limit.lo)
        range.lo = limit.lo;
    if (range.hi > limit.hi)
        range.hi = limit.hi;
    return range;
}

static uint64_t cut_end(const struct classify_node *node) /* the last value inside */
{
    uint64_t width = (uint64_t)node->count << node->shift;
    return width >> node->shift != node->count || node->lo + width < node->lo
               ? UINT64_MAX
               : node->lo + width - 1;
}

static struct cut_span equal_span(const struct classify_node *node, struct box_range range)
{
    uint64_t end = cut_end(node);
    struct cut_span span = {.zero = range.lo < node->lo || range.hi > end, .first = 1, .last = 0};
    if (range.hi < node->lo || range.lo > end)
        return span;
    uint64_t lo = range.lo < node->lo ? node->lo : range.lo;
    uint64_t hi = range.hi > end ? end : range.hi;
    span.first = 1 + (uint32_t)((lo - node->lo) >> node->shift);
    span.last = 1 + (uint32_t)((hi - node->lo) >> node->shift);
    return span;
}

struct cut_span cut_span_of(const struct cut *cut, const struct region *region,
                            const struct box *box)
{
    if (cut->dimension < 0) {
        uint64_t mask = (uint64_t)1 << cut->node.shift;
        bool one = (box->zeros[cut->bit_slot] & mask) == 0;
        return (struct cut_span){
            .zero = (box->ones[cut->bit_slot] & mask) == 0, .first = 1, .last = one ? 1 : 0};
    }
    struct box_range range = clipped(box, region, cut->dimension);
    if (cut->node.cut == CLASSIFY_SPLIT)
        return (struct cut_span){
            .zero = range.lo < cut->node.lo, .first = 1, .last = range.hi >= cut->node.lo ? 1 : 0};
    return equal_span(&cut->node, range);
}

void cut_region(const struct cut *cut, const struct region *region, uint32_t child,
                struct region *into)
{
    *into = *region;
    if (cut->dimension < 0) {
        uint64_t mask = (uint64_t)1 << cut->node.shift;
        *(child == 0 ? &into->zeros[cut->bit_slot] : &into->ones[cut->bit_slot]) |= mask;
        return;
    }
    struct box_range *range = &into->range[cut->dimension];
    if (cut->node.cut == CLASSIFY_SPLIT) {
        *(child == 0 ? &range->hi : &range->lo) = child == 0 ? cut->node.lo - 1 : cut->node.lo;
    } else if (child > 0) {
        uint64_t lo = cut->node.lo + ((uint64_t)(child - 1) << cut->node.shift);
        uint64_t hi = lo + (((uint64_t)1 << cut->node.shift) - 1);
        if (lo > range->lo)
            range->lo = lo;
        if (hi < range->hi)
            range->hi = hi;
    }
}

/* ---- judging ---- */

struct sample {
    const struct box *box[SAMPLE];
    uint32_t count;
    double scale; /* boxes that one of the sample stands for */
};

static void take_sample(const struct boxes *boxes, const uint32_t *numbers, uint32_t count,
                        struct sample *sample)
{
    sample->count = count < SAMPLE ? count : SAMPLE;
    sample->scale = (double)count / sample->count;
    for (uint32_t i = 0; i < sample->count; i++)
        sample->box[i] = boxes_at(boxes, numbers[(uint64_t)i * count / sample->count]);
}

/* What would stand in each child. */
struct census {
    uint32_t in[MAX_CHILDREN + 1]; /* boxes that are not in all children */
    uint32_t narrow;               /* such boxes */
    uint32_t wide;                 /* boxes in (nearly) all children */
    double references;
};

static void count_span(struct census *census, const struct cut_span *span, uint32_t children)
{
    uint32_t width = cut_span_width(span);
    if (children > 4 && width > 4 && width > children / 2) {
        census->wide++;
        return;
    }
    census->narrow++;
    census->references += width;
    census->in[0] += span->zero;
    for (uint32_t i = span->first; i <= span->last; i++)
        census->in[i]++;
}

/* The mean number of filters in a narrow filter's children, weighted by how many are there. */
static double mean_left(const struct census *census, uint32_t children, double scale, double wide)
{
    double sum = 0, squares = 0;
    for (uint32_t i = 0; i < children; i++) {
        /* Those that share a child with one of the sample, and itself. */
        double others = census->in[i] > 0 ? (census->in[i] - 1) * scale + 1 : 0;
        sum += census->in[i];
        squares += census->in[i] * (others + wide);
    }
    return sum > 0 ? squares / sum : 0;
}

/* Fills in what the cut would cost; false: more than it may. */
static bool judge(struct cut *cut, const struct sample *sample, const struct region *region,
                  uint64_t budget, bool set_aside, struct census *census)
{
    uint32_t children = cut->node.count + 1;
    memset(census, 0, sizeof *census);
    for (uint32_t i = 0; i < sample->count; i++) {
        struct cut_span span = cut_span_of(cut, region, sample->box[i]);
        count_span(census, &span, children);
    }
    double all = sample->count * sample->scale, wide = census->wide * sample->scale;
    double references = census->references * sample->scale;
    cut->wide = 0;
    if (set_aside && census->narrow > 0 && wide * children > all / 2) {
        /* Another tree to go down is about as dear as some filters to look at. */
        cut->wide = children / 2 > 4 ? children / 2 : 4;
        cut->cost = mean_left(census, children, sample->scale, 0) + all * 0.02 + wide * 0.5;
    } else {
        references += wide * children;
        cut->cost = mean_left(census, children, sample->scale, wide);
        if (census->narrow == 0)
            cut->cost = wide;
        cut->cost = (cut->cost * census->narrow + wide * census->wide) / sample->count;
    }
    return 2 * references + children + 5 <= (double)budget; /* a list takes two words for each */
}

/* ---- candidates ---- */

struct choice {
    const struct sample *sample;
    const struct region *region;
    uint64_t budget;
    bool set_aside;
    struct census *census;
    struct cut *best;
    bool found;
};

static void consider(struct choice *choice, struct cut *cut)
{
    if (judge(cut, choice->sample, choice->region, choice->budget, choice->set_aside,
              choice->census) &&
        (!choice->found || cut->cost < choice->best->cost)) {
        *choice->best = *cut;
        choice->found = true;
    }
}

/* The range that the narrower boxes lie in: what is wider reaches outside anyhow. */
static bool bounds(const struct choice *choice, int dimension, struct box_range *into)
{
    struct box_range whole = choice->region->range[dimension];
    uint64_t limit = (whole.hi - whole.lo) / 4;
    *into = (struct box_range){UINT64_MAX, 0};
    for (uint32_t i = 0; i < choice->sample->count; i++) {
        struct box_range range = clipped(choice->sample->box[i], choice->region, dimension);
        if (range.hi - range.lo > limit)
            continue;
        into->lo = range.lo < into->lo ? range.lo : into->lo;
        into->hi = range.hi > into->hi ? range.hi : into->hi;
    }
    return into->lo <= into->hi;
}

static void consider_equal(struct choice *choice, int dimension, uint8_t slot, uint32_t children)
{
    struct box_range range;
    if (!bounds(choice, dimension, &range))
        return;
    uint64_t width = range.hi - range.lo;
    uint8_t shift = 0;
    while (width >> shift >= children && shift < 63)
        shift++;
    struct cut cut = {.node = {.cut = CLASSIFY_CUT, .slot = slot, .shift = shift},
                      .dimension = dimension};
    cut.node.lo = range.lo >> shift << shift;
    cut.node.count = (uint32_t)((range.hi - cut.node.lo) >> shift) + 1;
    if (cut.node.count <= MAX_CHILDREN)
        consider(choice, &cut);
}

static int compare_numbers(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* In two, where a box begins or behind one that ends. */
static void consider_split(struct choice *choice, int dimension, uint8_t slot)
{
    uint64_t edges[2 * SAMPLE];
    uint32_t count = 0;
    struct box_range whole = choice->region->range[dimension];
    for (uint32_t i = 0; i < choice->sample->count; i++) {
        struct box_range range = clipped(choice->sample->box[i], choice->region, dimension);
        if (range.lo > whole.lo)
            edges[count++] = range.lo;
        if (range.hi < whole.hi)
            edges[count++] = range.hi + 1;
    }
    if (count == 0)
        return;
    qsort(edges, count, sizeof *edges, compare_numbers);
    for (uint32_t quarter = 1; quarter <= 3; quarter++) {
        struct cut cut = {.node = {.cut = CLASSIFY_SPLIT, .slot = slot, .count = 1},
                          .dimension = dimension};
        cut.node.lo = edges[(uint64_t)count * quarter / 4];
        consider(choice, &cut);
    }
}

static void consider_bits(struct choice *choice, uint32_t bit_slot)
{
    uint64_t used = 0;
    for (uint32_t i = 0; i < choice->sample->count; i++)
        used |= choice->sample->box[i]->ones[bit_slot] | choice->sample->box[i]->zeros[bit_slot];
    used &= ~(choice->region->ones[bit_slot] | choice->region->zeros[bit_slot]);
    for (; used != 0; used &= used - 1) {
        struct cut cut = {.node = {.cut = CLASSIFY_BIT,
                                   .slot = box_bit_slot(bit_slot),
                                   .shift = (uint8_t)__builtin_ctzll(used),
                                   .count = 1},
                          .dimension = -1,
                          .bit_slot = bit_slot};
        consider(choice, &cut);
    }
}

static void consider_dimension(struct choice *choice, int dimension, uint8_t slot, uint32_t count)
{
    uint32_t most = 2;
    while (most < count && most < MAX_CHILDREN)
        most *= 2;
    struct box_range whole = choice->region->range[dimension];
    if (whole.lo == whole.hi)
        return;
    for (uint32_t children = most; children >= 2; children /= 4)
        consider_equal(choice, dimension, slot, children);
    if (count <= SAMPLE || !choice->found || choice->best->cost > count * 0.5)
        consider_split(choice, dimension, slot);
}

bool cut_choose(const struct boxes *boxes, const uint32_t *numbers, uint32_t count,
                const struct region *region, uint64_t budget, bool set_aside, struct cut *best)
{
    static _Thread_local struct census census;
    struct sample sample;
    struct choice choice = {.sample = &sample,
                            .region = region,
                            .budget = budget,
                            .set_aside = set_aside && count >= SET_ASIDE_AT,
                            .census = &census,
                            .best = best};
    take_sample(boxes, numbers, count, &sample);
    for (uint32_t i = 0; i < boxes->shape.count; i++)
        consider_dimension(&choice, (int)i, boxes->shape.slot[i], count);
    for (uint32_t i = 0; i < BOX_BITS; i++)
        consider_bits(&choice, i);
    /* A node on the way costs about as much as two entries of a leaf. */
    return choice.found && best->cost + 2 < count;
}
