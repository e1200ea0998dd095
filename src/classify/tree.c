#include "tree.h"

#include <stdlib.h>
#include <string.h>

#include "cut.h"
#include "records.h"

/* Bytes that all trees may take for each record, whatever is, */
#define BYTES_PER_RECORD 32
#define BYTES_FREE       256
/* and what two filters may take with records and trees, unless that leaves too few for these. */
#define BYTES_OF_TWO     199
#define BYTES_WORTH_IT   24
#define REST             300 /* a part of all filters so small that it is one tree */
#define LEAF             5   /* filters that are not told apart any further */

/* Lists of box numbers, one on top of the other as the builder goes down. */
struct stack {
    uint32_t *numbers;
    size_t count, capacity;
};

struct builder {
    struct memory *memory;
    struct boxes boxes;
    struct stack stack;
    uint8_t *aside; /* by number: for the next tree */
    uint8_t *notes; /* by number: enum tree_note; may be NULL */
    uint32_t depth, longest;
    bool set_aside; /* allowed */
    bool failed;
};

static uint32_t *push(struct builder *builder, size_t count)
{
    struct stack *stack = &builder->stack;
    if (stack->count + count > stack->capacity) {
        size_t capacity = (stack->count + count) * 2;
        uint32_t *numbers = realloc(stack->numbers, capacity * sizeof *numbers);
        if (numbers == NULL) {
            builder->failed = true;
            return NULL;
        }
        stack->numbers = numbers;
        stack->capacity = capacity;
    }
    stack->count += count;
    return stack->numbers + stack->count - count;
}

/* ---- leaves ---- */

static bool covers_region(const struct boxes *boxes, const struct box *box,
                          const struct region *region)
{
    if (!box->final || !box->exact)
        return false;
    for (uint32_t i = 0; i < boxes->shape.count; i++) {
        const struct box_range *range = &box->range[i], *whole = &region->range[i];
        bool tested = box->tested >> boxes->shape.slot[i] & 1;
        /* An absent field is 0 to the tree, but fails the test. */
        if (range->lo > whole->lo || range->hi < whole->hi || (tested && whole->lo == 0))
            return false;
    }
    for (uint32_t i = 0; i < BOX_BITS; i++) {
        bool tested = box->tested >> box_bit_slot(i) & 1;
        if (tested && region->ones[i] == 0)
            return false;
        if ((box->ones[i] & ~region->ones[i]) != 0 || (box->zeros[i] & ~region->zeros[i]) != 0)
            return false;
    }
    return true;
}

/* Takes out what can't be reached in this region, and what has been set aside since. */
static uint32_t prune(struct builder *builder, uint32_t *numbers, uint32_t count,
                      const struct region *region)
{
    const struct box *cover = NULL;
    uint32_t kept = 0, cover_number = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct box *box = boxes_at(&builder->boxes, numbers[i]);
        if (builder->aside[numbers[i]])
            continue;
        if (cover != NULL && cover->sublayer == box->sublayer) {
            if (builder->notes != NULL) {
                builder->notes[cover_number] |= TREE_COVERS;
                builder->notes[numbers[i]] |= TREE_COVERED;
            }
            continue;
        }
        if (covers_region(&builder->boxes, box, region)) {
            cover = box;
            cover_number = numbers[i];
        }
        numbers[kept++] = numbers[i];
    }
    return kept;
}

static unsigned differing_bits(uint64_t lo, uint64_t hi)
{
    return lo == hi ? 0 : 64 - (unsigned)__builtin_clzll(lo ^ hi);
}

/* The range that tells most: whose common bits the region leaves open, as far as they fit. */
static struct classify_entry entry_of(const struct boxes *boxes, const struct box *box,
                                      const struct region *region)
{
    struct classify_entry entry = {.shift = 63};
    unsigned best = 0;
    for (uint32_t i = 0; i < boxes->shape.count; i++) {
        const struct box_range *range = &box->range[i], *whole = &region->range[i];
        unsigned shift = differing_bits(range->lo, range->hi);
        unsigned open = differing_bits(whole->lo, whole->hi);
        /* Nothing is as wide as its slot: bits above are zero and tell nothing. */
        unsigned used = differing_bits(range->lo, 0);
        open = open > used + 1 ? used + 1 : open;
        unsigned told = open > shift ? open - shift : 0;
        if (told <= best || shift > 62)
            continue;
        best = told;
        entry.shift = shift;
        entry.slot = boxes->shape.slot[i];
        entry.value = range->lo >> shift & CLASSIFY_ENTRY_MASK;
    }
    return entry;
}

static uint32_t write_leaf(struct builder *builder, const uint32_t *numbers, uint32_t count,
                           const struct region *region)
{
    if (count > builder->longest)
        builder->longest = count;
    if (count == 0)
        return 0;
    if (count == 1)
        return CLASSIFY_REF_FILTER | boxes_at(&builder->boxes, numbers[0])->unit;
    uint32_t unit = memory_take_words(builder->memory, count * 2);
    if (unit == MEMORY_FULL) {
        builder->failed = true;
        return 0;
    }
    struct classify_entry *list = memory_at(builder->memory, unit);
    for (uint32_t i = 0; i < count; i++) {
        const struct box *box = boxes_at(&builder->boxes, numbers[i]);
        list[i] = entry_of(&builder->boxes, box, region);
        list[i].ref = (i + 1 < count ? CLASSIFY_REF_FILTER : CLASSIFY_REF_LAST) | box->unit;
    }
    return CLASSIFY_REF_LIST | unit;
}

/* ---- nodes ---- */

static uint32_t build(struct builder *builder, size_t at, uint32_t count,
                      const struct region *region, uint64_t budget, uint32_t depth);

/* The children's lists, one behind the other on the stack. */
struct children {
    size_t *start;   /* on the stack; count + 1 of them */
    uint32_t *order; /* by size */
    uint32_t count;
};

static uint32_t child_size(const struct children *children, uint32_t child)
{
    return (uint32_t)(children->start[child + 1] - children->start[child]);
}

/* Buckets by the size's magnitude: what matters is that the large come last. */
static void order_children(struct children *children)
{
    uint32_t at[34] = {0};
    for (uint32_t i = 0; i < children->count; i++)
        at[1 + 32 - __builtin_clz(child_size(children, i) | 1)]++;
    for (uint32_t i = 1; i < 34; i++)
        at[i] += at[i - 1];
    for (uint32_t i = 0; i < children->count; i++)
        children->order[at[32 - __builtin_clz(child_size(children, i) | 1)]++] = i;
}

static bool is_wide(const struct cut *cut, const struct cut_span *span)
{
    return cut->wide != 0 && cut_span_width(span) > cut->wide;
}

static bool distribute(struct builder *builder, const struct cut *cut, const struct region *region,
                       size_t at, uint32_t count, struct children *children)
{
    size_t total = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number = builder->stack.numbers[at + i];
        struct cut_span span = cut_span_of(cut, region, boxes_at(&builder->boxes, number));
        if (is_wide(cut, &span)) {
            builder->aside[number] = 1;
            continue;
        }
        children->start[1] += span.zero;
        for (uint32_t child = span.first; child <= span.last; child++)
            children->start[child + 1]++;
        total += cut_span_width(&span);
    }
    size_t base = builder->stack.count;
    if (push(builder, total + 1) == NULL)
        return false;
    children->start[0] = base;
    for (uint32_t child = 1; child <= children->count; child++)
        children->start[child] += children->start[child - 1];
    size_t *fill = children->start; /* start[c] runs to where child c ends, and is put back */
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number = builder->stack.numbers[at + i];
        if (builder->aside[number])
            continue;
        struct cut_span span = cut_span_of(cut, region, boxes_at(&builder->boxes, number));
        if (span.zero)
            builder->stack.numbers[fill[0]++] = number;
        for (uint32_t child = span.first; child <= span.last; child++)
            builder->stack.numbers[fill[child]++] = number;
    }
    for (uint32_t child = children->count; child > 0; child--)
        fill[child] = fill[child - 1];
    fill[0] = base;
    return true;
}

/* Whether the child and the one before it have the same filters, all of which fill them both. */
static bool same_as_before(const struct builder *builder, const struct cut *cut,
                           const struct region *region, const struct children *children,
                           uint32_t child)
{
    if (child < 2)
        return false;
    const uint32_t *list = builder->stack.numbers + children->start[child];
    const uint32_t *before = builder->stack.numbers + children->start[child - 1];
    size_t size = children->start[child + 1] - children->start[child];
    if (size != (size_t)(list - before) || memcmp(list, before, size * sizeof *list) != 0)
        return false;
    struct region left, right;
    cut_region(cut, region, child - 1, &left);
    cut_region(cut, region, child, &right);
    for (size_t i = 0; i < size; i++) {
        struct box_range range = boxes_at(&builder->boxes, list[i])->range[cut->dimension];
        if (range.lo > left.range[cut->dimension].lo || range.hi < right.range[cut->dimension].hi)
            return false;
    }
    return true;
}

static uint32_t *child_refs(const struct builder *builder, uint32_t unit)
{
    return (uint32_t *)((struct classify_node *)memory_at(builder->memory, unit) + 1);
}

static void build_child(struct builder *builder, const struct cut *cut, const struct region *region,
                        const struct children *children, uint32_t child, uint64_t budget,
                        uint32_t depth, uint32_t unit)
{
    struct region part;
    uint32_t size = child_size(children, child);
    cut_region(cut, region, child, &part);
    size_t copy = builder->stack.count; /* the list is pruned in place: neighbours compare theirs */
    if (push(builder, size + 1) == NULL)
        return;
    memcpy(builder->stack.numbers + copy, builder->stack.numbers + children->start[child],
           size * sizeof(uint32_t));
    uint32_t ref = build(builder, copy, size, &part, budget, depth + 1);
    builder->stack.count = copy;
    child_refs(builder, unit)[child] = ref;
}

/*
 * Small children first: what they leave of their share of the budget goes to the large, and a child
 * comes after its neighbour with the same filters.
 */
static void build_children(struct builder *builder, const struct cut *cut,
                           const struct region *region, const struct children *children,
                           uint64_t budget, uint32_t depth, uint32_t unit)
{
    uint64_t left = children->start[children->count] - children->start[0];
    for (uint32_t i = 0; i < children->count && !builder->failed; i++) {
        uint32_t child = children->order[i], before = builder->memory->at;
        uint64_t size = child_size(children, child);
        if (same_as_before(builder, cut, region, children, child))
            child_refs(builder, unit)[child] = child_refs(builder, unit)[child - 1];
        else
            build_child(builder, cut, region, children, child, left > 0 ? budget * size / left : 0,
                        depth, unit);
        uint64_t used = (uint64_t)(builder->memory->at - before) * 2;
        budget = used < budget ? budget - used : 0;
        left -= size;
    }
}

static uint32_t build_node(struct builder *builder, const struct cut *cut, size_t at,
                           uint32_t count, const struct region *region, uint64_t budget,
                           uint32_t depth)
{
    struct children children = {.count = cut->node.count + 1};
    size_t bottom = builder->stack.count;
    uint32_t units = (sizeof cut->node + children.count * sizeof(uint32_t) + 7) / CLASSIFY_UNIT;
    uint32_t unit = memory_take(builder->memory, units, units);
    children.start = calloc(children.count + 1, sizeof *children.start);
    children.order = calloc(children.count, sizeof *children.order);
    if (unit == MEMORY_FULL || children.start == NULL || children.order == NULL ||
        !distribute(builder, cut, region, at, count, &children)) {
        builder->failed = true;
    } else {
        uint64_t own = children.count + 5;
        order_children(&children);
        struct classify_node *node = memory_at(builder->memory, unit);
        *node = cut->node;
        node->first = boxes_at(&builder->boxes, builder->stack.numbers[at])->unit;
        build_children(builder, cut, region, &children, budget > own ? budget - own : 0, depth,
                       unit);
    }
    free(children.start);
    free(children.order);
    builder->stack.count = bottom;
    return unit;
}

static uint32_t build(struct builder *builder, size_t at, uint32_t count,
                      const struct region *region, uint64_t budget, uint32_t depth)
{
    struct cut cut;
    count = prune(builder, builder->stack.numbers + at, count, region);
    if (depth > builder->depth)
        builder->depth = depth;
    if (count <= LEAF || depth + 1 >= CLASSIFY_DEPTH || builder->failed ||
        !cut_choose(&builder->boxes, builder->stack.numbers + at, count, region, budget,
                    builder->set_aside, &cut))
        return write_leaf(builder, builder->stack.numbers + at, count, region);
    return build_node(builder, &cut, at, count, region, budget, depth);
}

/* ---- all trees ---- */

static struct region whole_region(void)
{
    struct region region = {.ones = {0}};
    for (uint32_t i = 0; i < CLASSIFY_SLOTS; i++)
        region.range[i] = (struct box_range){0, UINT64_MAX};
    return region;
}

/* The next tree: of what is not in one yet, within `budget` references. */
static void build_tree(struct builder *builder, struct trees *trees, bool last, uint64_t budget)
{
    struct region region = whole_region();
    uint32_t count = 0;
    builder->stack.count = 0;
    builder->depth = builder->longest = 0;
    if (push(builder, builder->boxes.count + 1) == NULL)
        return;
    for (uint32_t i = 0; i < builder->boxes.count; i++) {
        if (builder->aside[i])
            builder->stack.numbers[count++] = i;
    }
    builder->set_aside = !last && count > builder->boxes.count / REST;
    memset(builder->aside, 0, builder->boxes.count);
    struct classify_tree *tree = &trees->tree[trees->count++];
    tree->first = boxes_at(&builder->boxes, builder->stack.numbers[0])->unit;
    /* Boxes that are in a tree already are not on the stack and never looked at again. */
    tree->at =
        build(builder, 0, count, &region, builder->set_aside ? budget * 45 / 100 : budget, 0);
    trees->depth += builder->depth;
    trees->longest += builder->longest;
}

static bool any_aside(const struct builder *builder)
{
    return builder->boxes.count > 0 && memchr(builder->aside, 1, builder->boxes.count) != NULL;
}

static bool read_boxes(struct builder *builder, uint32_t first, uint32_t end)
{
    struct boxes *boxes = &builder->boxes;
    const struct classify_filter *filter;
    struct records shaped = {builder->memory->bytes, first, end}, boxed = shaped;
    uint32_t count = 0;
    boxes->shape = box_shape_new();
    while ((filter = records_next(&shaped)) != NULL) {
        box_shape_add(&boxes->shape, filter);
        count++;
    }
    boxes->stride = box_size(&boxes->shape);
    boxes->bytes = calloc(count + 1, boxes->stride);
    builder->aside = calloc(count + 1, 1);
    if (boxes->bytes == NULL || builder->aside == NULL)
        return false;
    while ((filter = records_next(&boxed)) != NULL) {
        builder->aside[boxes->count] =
            box_of(&boxes->shape, filter, boxed.unit, boxes_at(boxes, boxes->count));
        boxes->count++;
    }
    return true;
}

/* The alternatives of a filter are records of its own, one behind the other. */
static uint32_t count_filters(const struct builder *builder, uint32_t first, uint32_t end)
{
    struct records records = {builder->memory->bytes, first, end};
    const struct classify_filter *filter;
    uint32_t count = 0;
    uint64_t last = 0;
    while ((filter = records_next(&records)) != NULL) {
        count += count == 0 || filter->id != last;
        last = filter->id;
    }
    return count;
}

static uint64_t bytes_for_trees(const struct builder *builder, uint32_t first, uint32_t end)
{
    uint64_t most = (uint64_t)builder->boxes.count * BYTES_PER_RECORD;
    uint64_t filters = count_filters(builder, first, end);
    uint64_t records = (uint64_t)(end - first) * CLASSIFY_UNIT;
    uint64_t all = filters * BYTES_OF_TWO / 2;
    if (records + filters * BYTES_WORTH_IT <= all && all - records < most)
        most = all - records;
    return most + BYTES_FREE;
}

bool trees_build(struct memory *memory, uint32_t first, uint32_t end, uint32_t limit,
                 uint8_t *notes, struct trees *trees)
{
    struct builder builder = {.memory = memory, .notes = notes};
    *trees = (struct trees){.count = 0};
    builder.failed = !read_boxes(&builder, first, end);
    uint64_t budget = bytes_for_trees(&builder, first, end) / sizeof(uint32_t);
    uint32_t start = memory->at; /* behind the records and trees of other layers */
    while (!builder.failed && any_aside(&builder)) {
        uint64_t used = (uint64_t)(memory->at - start) * 2;
        build_tree(&builder, trees, trees->count + 1 == limit, used < budget ? budget - used : 0);
    }
    free(builder.boxes.bytes);
    free(builder.aside);
    free(builder.stack.numbers);
    return !builder.failed;
}
