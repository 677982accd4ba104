/**
 * tfjs's fused kernels: a product or a convolution, then a bias, then an activation. tfjs calls them when no gradient is
 * taken; a program has the parts.
 */
import { TrainingError } from '@facet/shared';
import type { ValueId } from '../program/program.js';
import { elu, leakyRelu, relu6 } from './activation-kernels.js';
import { convolve, convolveDepthwise } from './convolution-kernels.js';
import { attributesOf, type KernelCall, type KernelTable, type RecordKernel } from './kernel-call.js';
import { NodeMaker } from './node-maker.js';

function activate(make: NodeMaker, x: ValueId, call: KernelCall): ValueId {
  const { activation, leakyreluAlpha } = attributesOf<{ activation?: string; leakyreluAlpha?: number }>(call);
  switch (activation) {
    case undefined:
    case 'linear':
      return x;
    case 'relu':
    case 'sigmoid':
      return make.unary(activation, x);
    case 'relu6':
      return relu6(make, x);
    case 'elu':
      return elu(make, x);
    case 'leakyrelu':
      return leakyRelu(make, x, make.scalar(leakyreluAlpha ?? 0.2));
    case 'prelu':
      return leakyRelu(make, x, call.input('preluActivationWeights'));
    default:
      throw new TrainingError(
        'CAPTURE_UNSUPPORTED',
        `${call.kernelName} was called with the activation ${activation}; call the activation as an operation of its own`,
      );
  }
}

const fused =
  (compute: (call: KernelCall) => ValueId): RecordKernel =>
  (call) => {
    const make = new NodeMaker(call.builder);
    const result = compute(call);
    return activate(make, call.hasInput('bias') ? make.add(result, call.input('bias')) : result, call);
  };

/** @param multiply The recorder of BatchMatMul. */
export function fusedKernels(multiply: (call: KernelCall) => ValueId): KernelTable {
  return {
    _FusedMatMul: fused(multiply),
    FusedConv2D: fused(convolve),
    FusedDepthwiseConv2D: fused(convolveDepthwise),
  };
}
