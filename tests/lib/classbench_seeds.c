#include "classbench_seeds.h"

#define LIST(name, list) .name = (list), .name##_count = sizeof(list) / sizeof((list)[0])

/* ---- acl ---- */

static const struct port_pair acl_ports[] = {
    {0, ANY_PORT, ANY_PORT, 85},    {1, ANY_PORT, ANY_PORT, 31},    {6, ANY_PORT, ANY_PORT, 188},
    {6, ANY_PORT, PORT_RANGE, 115}, {6, ANY_PORT, EXACT_PORT, 570}, {17, ANY_PORT, PORT_RANGE, 1},
    {17, ANY_PORT, EXACT_PORT, 10},
};

static const struct length_pair acl_lengths[] = {
    {ANY_PORT, ANY_PORT, 0, 0, 4},       {ANY_PORT, ANY_PORT, 0, 8, 5},
    {ANY_PORT, ANY_PORT, 8, 0, 4},       {ANY_PORT, ANY_PORT, 0, 13, 4},
    {ANY_PORT, ANY_PORT, 23, 0, 4},      {ANY_PORT, ANY_PORT, 23, 4, 18},
    {ANY_PORT, ANY_PORT, 23, 16, 58},    {ANY_PORT, ANY_PORT, 23, 25, 13},
    {ANY_PORT, ANY_PORT, 30, 22, 18},    {ANY_PORT, ANY_PORT, 31, 22, 9},
    {ANY_PORT, ANY_PORT, 32, 22, 81},    {ANY_PORT, ANY_PORT, 23, 32, 108},
    {ANY_PORT, ANY_PORT, 31, 24, 4},     {ANY_PORT, ANY_PORT, 32, 24, 112},
    {ANY_PORT, ANY_PORT, 30, 32, 18},    {ANY_PORT, ANY_PORT, 31, 32, 27},
    {ANY_PORT, ANY_PORT, 32, 31, 4},     {ANY_PORT, ANY_PORT, 32, 32, 489},
    {ANY_PORT, PORT_RANGE, 23, 32, 12},  {ANY_PORT, PORT_RANGE, 31, 32, 35},
    {ANY_PORT, PORT_RANGE, 32, 32, 953}, {ANY_PORT, EXACT_PORT, 23, 28, 5},
    {ANY_PORT, EXACT_PORT, 30, 22, 14},  {ANY_PORT, EXACT_PORT, 31, 22, 7},
    {ANY_PORT, EXACT_PORT, 32, 22, 42},  {ANY_PORT, EXACT_PORT, 23, 32, 31},
    {ANY_PORT, EXACT_PORT, 30, 32, 12},  {ANY_PORT, EXACT_PORT, 31, 32, 26},
    {ANY_PORT, EXACT_PORT, 32, 31, 16},  {ANY_PORT, EXACT_PORT, 32, 32, 847},
};

static const uint16_t acl_exact[] = {1521, 1526, 1221, 1433, 1525, 135,  14753, 1712,
                                     1711, 1704, 1708, 5555, 1705, 6000, 80,    443,
                                     25,   53,   22,   21,   8080, 389,  445,   139};

static const struct classbench_ports acl_ranges[] = {
    {1600, 1649},   {1300, 1349},   {1300, 1350},   {7500, 7599},   {2200, 2210},
    {1025, 65535},  {1700, 1750},   {5001, 65535},  {32200, 32207}, {8000, 8100},
    {61700, 61709}, {61500, 61509}, {61600, 61609}, {61900, 61909}};

/* ---- fw ---- */

static const struct port_pair fw_ports[] = {
    {0, ANY_PORT, ANY_PORT, 11},     {1, ANY_PORT, ANY_PORT, 39},
    {47, ANY_PORT, ANY_PORT, 57},    {6, ANY_PORT, ANY_PORT, 106},
    {6, HIGH_PORT, HIGH_PORT, 39},   {6, ANY_PORT, EXACT_PORT, 428},
    {17, HIGH_PORT, HIGH_PORT, 21},  {17, HIGH_PORT, PORT_RANGE, 4},
    {17, PORT_RANGE, HIGH_PORT, 4},  {17, ANY_PORT, EXACT_PORT, 138},
    {17, EXACT_PORT, ANY_PORT, 99},  {17, HIGH_PORT, EXACT_PORT, 18},
    {17, EXACT_PORT, HIGH_PORT, 18}, {17, EXACT_PORT, EXACT_PORT, 21},
};

static const struct length_pair fw_lengths[] = {
    {ANY_PORT, ANY_PORT, 0, 0, 117},      {ANY_PORT, ANY_PORT, 8, 0, 17},
    {ANY_PORT, ANY_PORT, 12, 0, 17},      {ANY_PORT, ANY_PORT, 16, 0, 17},
    {ANY_PORT, ANY_PORT, 21, 0, 67},      {ANY_PORT, ANY_PORT, 23, 0, 67},
    {ANY_PORT, ANY_PORT, 26, 0, 17},      {ANY_PORT, ANY_PORT, 27, 0, 67},
    {ANY_PORT, ANY_PORT, 28, 0, 33},      {ANY_PORT, ANY_PORT, 29, 0, 33},
    {ANY_PORT, ANY_PORT, 30, 0, 83},      {ANY_PORT, ANY_PORT, 0, 32, 17},
    {ANY_PORT, ANY_PORT, 32, 0, 183},     {ANY_PORT, ANY_PORT, 28, 32, 67},
    {ANY_PORT, ANY_PORT, 32, 28, 67},     {ANY_PORT, ANY_PORT, 30, 32, 67},
    {ANY_PORT, ANY_PORT, 32, 30, 67},     {HIGH_PORT, HIGH_PORT, 0, 32, 353},
    {HIGH_PORT, HIGH_PORT, 32, 21, 294},  {HIGH_PORT, HIGH_PORT, 32, 32, 353},
    {HIGH_PORT, PORT_RANGE, 0, 0, 1},     {HIGH_PORT, PORT_RANGE, 0, 32, 1},
    {PORT_RANGE, HIGH_PORT, 0, 0, 1},     {PORT_RANGE, HIGH_PORT, 32, 0, 1},
    {ANY_PORT, EXACT_PORT, 0, 0, 62},     {ANY_PORT, EXACT_PORT, 0, 27, 6},
    {ANY_PORT, EXACT_PORT, 0, 32, 881},   {ANY_PORT, EXACT_PORT, 32, 0, 19},
    {ANY_PORT, EXACT_PORT, 26, 21, 6},    {ANY_PORT, EXACT_PORT, 32, 32, 25},
    {EXACT_PORT, ANY_PORT, 0, 0, 71},     {EXACT_PORT, ANY_PORT, 0, 32, 107},
    {EXACT_PORT, ANY_PORT, 32, 0, 821},   {HIGH_PORT, EXACT_PORT, 0, 32, 400},
    {HIGH_PORT, EXACT_PORT, 32, 32, 600}, {EXACT_PORT, HIGH_PORT, 32, 0, 400},
    {EXACT_PORT, HIGH_PORT, 32, 32, 600}, {EXACT_PORT, EXACT_PORT, 0, 32, 333},
    {EXACT_PORT, EXACT_PORT, 32, 0, 333}, {EXACT_PORT, EXACT_PORT, 28, 28, 333},
};

static const uint16_t fw_exact[] = {22,  80, 25,  53, 123, 2105, 21,  544, 750,   443,  23,
                                    161, 67, 119, 69, 88,  162,  110, 143, 24032, 7648, 514};

static const struct classbench_ports fw_ranges[] = {{33434, 33600}, {6000, 6063}, {137, 139}};

/* ---- ipc ---- */

static const struct port_pair ipc_ports[] = {
    {0, ANY_PORT, ANY_PORT, 345},   {1, ANY_PORT, ANY_PORT, 11},
    {47, ANY_PORT, ANY_PORT, 3},    {50, ANY_PORT, ANY_PORT, 1},
    {51, ANY_PORT, ANY_PORT, 1},    {6, ANY_PORT, ANY_PORT, 22},
    {6, ANY_PORT, PORT_RANGE, 18},  {6, PORT_RANGE, ANY_PORT, 17},
    {6, ANY_PORT, EXACT_PORT, 132}, {6, EXACT_PORT, ANY_PORT, 72},
    {17, ANY_PORT, ANY_PORT, 3},    {17, ANY_PORT, HIGH_PORT, 65},
    {17, HIGH_PORT, ANY_PORT, 3},   {17, ANY_PORT, PORT_RANGE, 6},
    {17, PORT_RANGE, ANY_PORT, 3},  {17, ANY_PORT, EXACT_PORT, 220},
    {17, EXACT_PORT, ANY_PORT, 73}, {17, EXACT_PORT, EXACT_PORT, 3},
    {6, EXACT_PORT, PORT_RANGE, 1},
};

static const struct length_pair ipc_lengths[] = {
    {ANY_PORT, ANY_PORT, 0, 0, 12},      {ANY_PORT, ANY_PORT, 0, 16, 8},
    {ANY_PORT, ANY_PORT, 16, 0, 5},      {ANY_PORT, ANY_PORT, 0, 24, 38},
    {ANY_PORT, ANY_PORT, 24, 0, 33},     {ANY_PORT, ANY_PORT, 16, 16, 6},
    {ANY_PORT, ANY_PORT, 17, 22, 6},     {ANY_PORT, ANY_PORT, 22, 16, 15},
    {ANY_PORT, ANY_PORT, 23, 16, 18},    {ANY_PORT, ANY_PORT, 16, 24, 49},
    {ANY_PORT, ANY_PORT, 24, 16, 75},    {ANY_PORT, ANY_PORT, 17, 24, 20},
    {ANY_PORT, ANY_PORT, 26, 16, 16},    {ANY_PORT, ANY_PORT, 28, 16, 9},
    {ANY_PORT, ANY_PORT, 22, 24, 32},    {ANY_PORT, ANY_PORT, 23, 24, 78},
    {ANY_PORT, ANY_PORT, 24, 23, 15},    {ANY_PORT, ANY_PORT, 24, 24, 223},
    {ANY_PORT, ANY_PORT, 23, 26, 12},    {ANY_PORT, ANY_PORT, 24, 26, 47},
    {ANY_PORT, ANY_PORT, 26, 24, 50},    {ANY_PORT, ANY_PORT, 25, 24, 17},
    {ANY_PORT, ANY_PORT, 24, 28, 24},    {ANY_PORT, ANY_PORT, 28, 24, 12},
    {ANY_PORT, ANY_PORT, 26, 28, 9},     {ANY_PORT, ANY_PORT, 32, 0, 6},
    {ANY_PORT, ANY_PORT, 32, 32, 11},    {ANY_PORT, HIGH_PORT, 0, 32, 27},
    {ANY_PORT, HIGH_PORT, 16, 32, 27},   {ANY_PORT, HIGH_PORT, 23, 32, 27},
    {ANY_PORT, HIGH_PORT, 24, 32, 63},   {ANY_PORT, HIGH_PORT, 32, 24, 9},
    {ANY_PORT, HIGH_PORT, 31, 32, 36},   {ANY_PORT, HIGH_PORT, 32, 32, 811},
    {HIGH_PORT, ANY_PORT, 32, 0, 167},   {HIGH_PORT, ANY_PORT, 32, 16, 500},
    {HIGH_PORT, ANY_PORT, 32, 24, 333},  {ANY_PORT, PORT_RANGE, 0, 32, 71},
    {ANY_PORT, PORT_RANGE, 32, 0, 24},   {ANY_PORT, PORT_RANGE, 16, 32, 95},
    {ANY_PORT, PORT_RANGE, 22, 32, 24},  {ANY_PORT, PORT_RANGE, 23, 32, 119},
    {ANY_PORT, PORT_RANGE, 24, 32, 500}, {ANY_PORT, PORT_RANGE, 25, 32, 48},
    {ANY_PORT, PORT_RANGE, 26, 32, 95},  {ANY_PORT, PORT_RANGE, 32, 32, 24},
    {PORT_RANGE, ANY_PORT, 0, 32, 29},   {PORT_RANGE, ANY_PORT, 32, 0, 59},
    {PORT_RANGE, ANY_PORT, 32, 16, 118}, {PORT_RANGE, ANY_PORT, 32, 22, 29},
    {PORT_RANGE, ANY_PORT, 32, 23, 88},  {PORT_RANGE, ANY_PORT, 24, 32, 29},
    {PORT_RANGE, ANY_PORT, 32, 24, 441}, {PORT_RANGE, ANY_PORT, 32, 26, 177},
    {PORT_RANGE, ANY_PORT, 32, 32, 29},  {ANY_PORT, EXACT_PORT, 0, 0, 5},
    {ANY_PORT, EXACT_PORT, 0, 24, 20},   {ANY_PORT, EXACT_PORT, 24, 0, 38},
    {ANY_PORT, EXACT_PORT, 0, 32, 65},   {ANY_PORT, EXACT_PORT, 16, 16, 5},
    {ANY_PORT, EXACT_PORT, 32, 0, 10},   {ANY_PORT, EXACT_PORT, 23, 24, 22},
    {ANY_PORT, EXACT_PORT, 16, 32, 20},  {ANY_PORT, EXACT_PORT, 24, 24, 20},
    {ANY_PORT, EXACT_PORT, 32, 16, 13},  {ANY_PORT, EXACT_PORT, 24, 26, 7},
    {ANY_PORT, EXACT_PORT, 26, 28, 13},  {ANY_PORT, EXACT_PORT, 23, 32, 52},
    {ANY_PORT, EXACT_PORT, 24, 32, 165}, {ANY_PORT, EXACT_PORT, 32, 24, 12},
    {ANY_PORT, EXACT_PORT, 26, 32, 23},  {ANY_PORT, EXACT_PORT, 31, 32, 16},
    {ANY_PORT, EXACT_PORT, 32, 32, 459}, {EXACT_PORT, ANY_PORT, 0, 24, 12},
    {EXACT_PORT, ANY_PORT, 0, 32, 81},   {EXACT_PORT, ANY_PORT, 32, 0, 49},
    {EXACT_PORT, ANY_PORT, 28, 16, 24},  {EXACT_PORT, ANY_PORT, 24, 24, 28},
    {EXACT_PORT, ANY_PORT, 16, 32, 24},  {EXACT_PORT, ANY_PORT, 32, 16, 16},
    {EXACT_PORT, ANY_PORT, 28, 26, 41},  {EXACT_PORT, ANY_PORT, 23, 32, 45},
    {EXACT_PORT, ANY_PORT, 32, 23, 16},  {EXACT_PORT, ANY_PORT, 24, 32, 77},
    {EXACT_PORT, ANY_PORT, 32, 24, 264}, {EXACT_PORT, ANY_PORT, 32, 25, 45},
    {EXACT_PORT, ANY_PORT, 32, 26, 146}, {EXACT_PORT, ANY_PORT, 32, 32, 118},
    {EXACT_PORT, PORT_RANGE, 32, 32, 1}, {EXACT_PORT, EXACT_PORT, 32, 32, 1},
};

static const uint16_t ipc_exact[] = {69,  514, 80,  9003, 53,   161,  25,   1433, 137,  22,
                                     143, 162, 113, 139,  5540, 5550, 5520, 5500, 443,  5632,
                                     123, 21,  23,  110,  88,   67,   389,  111,  2049, 1645};

static const struct classbench_ports ipc_ranges[] = {
    {20, 23}, {109, 110}, {20, 21}, {1645, 1646}, {1812, 1813}, {20, 2511}, {5000, 5001}};

/* ---- all ---- */

const struct seed_shape seed_shapes[CLASSBENCH_SEEDS] = {
    [CLASSBENCH_ACL] = {.name = "acl",
                        .random = 0xac1,
                        LIST(ports, acl_ports),
                        LIST(lengths, acl_lengths),
                        LIST(exact, acl_exact),
                        LIST(ranges, acl_ranges),
                        .more_exact = 60,
                        .more_ranges = 26,
                        .source = {.percent = {[6] = 50, [24] = 50, 67, 80, 78, 75, 75, 53, 26},
                                   .growth = 0.75},
                        .destination = {.percent = {100, 100, 67, 75, 83, 40, 31, 24, 20, 8, 8,
                                                    18,  24,  22, 18, 14, 9,  10, 5,  7,  4, 9,
                                                    4,   10,  7,  9,  8,  7,  10, 14, 10, 9},
                                        .growth = 0.9},
                        .related = 70,
                        .related_levels = 22},
    [CLASSBENCH_FW] = {.name = "fw",
                       .random = 0xf1,
                       LIST(ports, fw_ports),
                       LIST(lengths, fw_lengths),
                       LIST(exact, fw_exact),
                       LIST(ranges, fw_ranges),
                       .more_exact = 25,
                       .more_ranges = 3,
                       .source = {.percent = {100, 50, 33,        25, 20, 17, 14, 13,
                                              25,  10, [18] = 11, 0,  0,  10, 9,  18,
                                              15,  20, 33,        22, 29, 21, 7,  6},
                                  .growth = 0.85},
                       .destination = {.percent = {100, 50,        0,  0,  33, 0,  25, 20,
                                                   17,  [18] = 14, 0,  0,  13, 11, 20, 17,
                                                   21,  35,        13, 24, 32, 28, 16},
                                       .growth = 0.9},
                       .related = 90,
                       .related_levels = 27},
    [CLASSBENCH_IPC] = {.name = "ipc",
                        .random = 0x1bc1,
                        LIST(ports, ipc_ports),
                        LIST(lengths, ipc_lengths),
                        LIST(exact, ipc_exact),
                        LIST(ranges, ipc_ranges),
                        .more_exact = 20,
                        .more_ranges = 3,
                        .source = {.percent = {100, 100, 50, 33, 25, 30, 8,  7,  27, 26, 13,
                                               11,  7,   0,  9,  3,  34, 18, 16, 13, 8,  3,
                                               6,   3,   11, 10, 8,  9,  10, 12, 9,  13},
                                   .growth = 0.8},
                        .destination = {.percent = {100, 100, 25, 40, 43, 40, 7,  0,  7, 25, 0,
                                                    0,   0,   0,  10, 5,  33, 11, 3,  6, 9,  0,
                                                    6,   3,   21, 18, 21, 26, 25, 14, 9, 9},
                                        .growth = 0.85},
                        .related = 60,
                        .related_levels = 24},
};
