/* Files in and out. Everything read is hostile: counts, sizes and depth are checked before use, and a message names file,
 * node or field, and what was expected. */
#ifndef W_IO_H
#define W_IO_H
#include "file.h"
#include "ops.h"

/* ONNX (protobuf through nanopb). The graph keeps pointers into the mapping: `map` must outlive it. Reading infers types and
 * shapes (w_pass_infer), here and for .weir, so that what contradicts itself is refused with the file's name. */
weir_status w_onnx_read(weir_context *ctx, const char *path, const w_map *map, w_graph **out, weir_error *e);
/* Quantised values become QuantizeLinear/DequantizeLinear pairs, fused epilogues their own nodes, internal ops vanish. opset >= 13. */
weir_status w_onnx_write(const w_graph *g, const char *path, weir_error *e);

/* The .weir container: docs/format.md. */
bool w_weir_is(const w_map *map);
weir_status w_weir_read(weir_context *ctx, const char *path, const w_map *map, w_graph **out, char **recipe /* in the graph's arena, or NULL */, weir_error *e);
weir_status w_weir_write(const w_graph *g, const char *recipe, const char *path, uint64_t *bytes, weir_error *e);
#endif
