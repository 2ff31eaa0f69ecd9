// The functions that ops.def names: shape rules (shapes.cpp) and launches (one file per family).
#pragma once

#include "ops/op.h"

namespace pynn {

using InferArgs = void(const OpDef& op, const Attrs& attrs, const Spec* in, int num_in, Spec* out);
using LaunchArgs = void(const OpDef& op, const Attrs& attrs, const View* in, int num_in, View* out);

InferArgs infer_same, infer_cast, infer_float, infer_float_predicate, infer_predicate, infer_binary,
    infer_compare, infer_where, infer_reduce, infer_arg, infer_matmul, infer_dense,
    infer_activation_grad_sum, infer_reshape, infer_transpose, infer_broadcast_to, infer_slice,
    infer_slice_update, infer_concatenate, infer_pad, infer_take, infer_scatter_add, infer_one_hot,
    infer_row_grad, infer_sparse_xent, infer_dense_xent, infer_xent_grad, infer_norm,
    infer_norm_grad, infer_moments, infer_batch_norm, infer_batch_norm_grad, infer_update,
    infer_adafactor_matrix, infer_clip_scale, infer_random, infer_random_bits, infer_dropout,
    infer_body;

LaunchArgs launch_copy, launch_copy_reshaped, launch_cast, launch_unary, launch_binary,
    launch_where, launch_reduce, launch_argmax, launch_argmin, launch_matmul, launch_dense,
    launch_activation_grad_sum, launch_slice_update, launch_concatenate, launch_pad, launch_take,
    launch_scatter_add, launch_one_hot, launch_softmax, launch_log_softmax, launch_softmax_grad,
    launch_log_softmax_grad, launch_sparse_xent, launch_sparse_xent_grad, launch_dense_xent,
    launch_dense_xent_grad, launch_layer_norm, launch_rms_norm, launch_layer_norm_grad,
    launch_rms_norm_grad, launch_moments, launch_batch_norm, launch_batch_norm_grad, launch_update,
    launch_lamb, launch_adafactor, launch_adafactor_matrix, launch_clip_scale,
    launch_random_uniform, launch_random_normal, launch_truncated_normal, launch_random_bits,
    launch_dropout, launch_body;

}  // namespace pynn
