/**
 * Activation functions and their gradients, composed of elementwise nodes.
 */
import * as tf from '@tensorflow/tfjs';
import type { ValueId } from '../program/program.js';
import { attributesOf, type KernelCall, type KernelTable } from './kernel-call.js';
import { NodeMaker } from './node-maker.js';

const isPositive = (make: NodeMaker, x: ValueId): ValueId => make.binary('greater', x, make.scalar(0));

const minusOne = (make: NodeMaker, x: ValueId): ValueId => make.binary('sub', x, make.scalar(1));

/** x above zero, slope * x elsewhere. */
export function leakyRelu(make: NodeMaker, x: ValueId, slope: ValueId): ValueId {
  return make.select(isPositive(make, x), x, make.mul(x, slope));
}

/** min(max(x, 0), 6) */
export function relu6(make: NodeMaker, x: ValueId): ValueId {
  return make.binary('minimum', make.unary('relu', x), make.scalar(6));
}

/** x above zero, exp(x) - 1 elsewhere (Clevert et al. 2015). */
export function elu(make: NodeMaker, x: ValueId): ValueId {
  return make.select(isPositive(make, x), x, minusOne(make, make.unary('exp', x)));
}

const makerOf = (call: KernelCall): NodeMaker => new NodeMaker(call.builder);

export const activationKernels = {
  Relu6: (call) => relu6(makerOf(call), call.input('x')),
  Elu: (call) => elu(makerOf(call), call.input('x')),
  EluGrad(call) {
    // exp(x) is y + 1 below zero.
    const make = makerOf(call);
    const [dy, y] = [call.input('dy'), call.input('y')];
    return make.select(isPositive(make, y), dy, make.mul(dy, make.add(y, make.scalar(1))));
  },
  Selu(call) {
    // Klambauer et al. 2017.
    const make = makerOf(call);
    const x = call.input('x');
    const below = make.mul(minusOne(make, make.unary('exp', x)), make.scalar(tf.backend_util.SELU_SCALEALPHA));
    return make.select(isPositive(make, x), make.mul(x, make.scalar(tf.backend_util.SELU_SCALE)), below);
  },
  LeakyRelu(call) {
    const make = makerOf(call);
    return leakyRelu(make, call.input('x'), make.scalar(attributesOf<{ alpha: number }>(call).alpha));
  },
  Prelu: (call) => leakyRelu(makerOf(call), call.input('x'), call.input('alpha')),
  Softplus(call) {
    // log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|)), which does not overflow.
    const make = makerOf(call);
    const x = call.input('x');
    const small = make.unary('exp', make.unary('neg', make.unary('abs', x)));
    return make.add(make.unary('relu', x), make.unary('log', make.add(small, make.scalar(1))));
  },
  ClipByValue(call) {
    const make = makerOf(call);
    const { clipValueMin, clipValueMax } = attributesOf<{ clipValueMin: number; clipValueMax: number }>(call);
    const raised = make.binary('maximum', call.input('x'), make.scalar(clipValueMin));
    return make.binary('minimum', raised, make.scalar(clipValueMax));
  },
} satisfies KernelTable;
