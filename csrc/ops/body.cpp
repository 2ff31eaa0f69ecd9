// Ops whose work is a program of their own.
#include "ops/launch.h"

namespace pynn {

void OpBody::gradient(const GradContext&) const {
  value_error("pynn.GradientTape.gradient: an op on the way has no gradient");
}

void infer_body(const OpDef&, const Attrs& attrs, const Spec* in, int num_in, Spec* out) {
  attrs.body->infer(in, num_in, out);
}

void launch_body(const OpDef&, const Attrs& attrs, const View* in, int num_in, View* out) {
  attrs.body->launch(in, num_in, out);
}

}  // namespace pynn
