//! Adam with decoupled weight decay (Kingma & Ba, arXiv 1412.6980; Loshchilov & Hutter, arXiv 1711.05101), for dense
//! weights and for rows of a table of which few have a gradient in a step.
//!
//! A row that was left out for some steps first catches up: its moments fade as if the gradients had been zero, only the
//! movement that they would have caused is left out (the lazy variant). A step costs as much as the rows it touches.

use super::kernel::wide;

const FIRST: f32 = 0.9;
const EPSILON: f32 = 1e-8;

/// What is the same for all weights in a step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    learning_rate: f32,
    decay: f32,
    second: f32,
    step: u32,
    /// Learning rate over what is not yet in the first moment.
    size: f32,
    /// One over what is in the second moment.
    unbias: f32,
}

impl Rate {
    /// For the step of a number, counted from one.
    pub(super) fn new(learning_rate: f32, decay: f32, second: f32, step: u32) -> Self {
        let size = learning_rate / (1.0 - power(FIRST, step));
        Self { learning_rate, decay, second, step, size, unbias: 1.0 / (1.0 - power(second, step)) }
    }
}

fn power(base: f32, times: u32) -> f32 {
    if times == 0 { 1.0 } else { base.powi(times.min(1_000_000) as i32) }
}

/// The moments of a slice of weights.
pub(super) struct Moments {
    first: Vec<f32>,
    second: Vec<f32>,
    /// The last step in which each row had a gradient.
    touched: Vec<u32>,
}

impl Moments {
    /// For `length` weights in `rows` rows.
    pub(super) fn new(length: usize, rows: usize) -> Self {
        Self { first: vec![0.0; length], second: vec![0.0; length], touched: vec![0; rows] }
    }

    /// Moves one row against its gradient.
    pub(super) fn row(&mut self, row: usize, weights: &mut [f32], gradient: &[f32], rate: Rate) {
        let d = gradient.len();
        let missed = rate.step - std::mem::replace(&mut self.touched[row], rate.step) - 1;
        let range = row * d..(row + 1) * d;
        let (first, second) = (&mut self.first[range.clone()], &mut self.second[range.clone()]);
        update(&mut weights[range], first, second, gradient, rate, missed);
    }

    /// Moves all weights.
    pub(super) fn all(&mut self, weights: &mut [f32], gradient: &[f32], rate: Rate) {
        update(weights, &mut self.first, &mut self.second, gradient, rate, 0);
    }
}

fn update(weights: &mut [f32], first: &mut [f32], second: &mut [f32], gradient: &[f32], rate: Rate, missed: u32) {
    let fade = FIRST * power(FIRST, missed);
    let fade_second = rate.second * power(rate.second, missed);
    let keep = power(1.0 - rate.learning_rate * rate.decay, missed + 1);
    let Rate { size, unbias, .. } = rate;
    wide(
        #[inline(always)]
        || {
            let moments = first.iter_mut().zip(second);
            for ((weight, (first, second)), gradient) in weights.iter_mut().zip(moments).zip(gradient) {
                *first = *first * fade + (1.0 - FIRST) * gradient;
                *second = *second * fade_second + (1.0 - rate.second) * gradient * gradient;
                *weight = *weight * keep - size * *first / ((*second * unbias).sqrt() + EPSILON);
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(step: u32) -> Rate {
        Rate::new(0.1, 0.0, 0.99, step)
    }

    #[test]
    fn the_first_step_is_the_learning_rate_against_the_sign() {
        let mut weights = vec![1.0, 1.0, 1.0];
        Moments::new(3, 1).all(&mut weights, &[5.0, -0.01, 0.0], rate(1));
        for (weight, expected) in weights.iter().zip([0.9, 1.1, 1.0]) {
            assert!((weight - expected).abs() < 1e-5, "{weight}");
        }
    }

    #[test]
    fn a_row_that_was_left_out_has_the_moments_of_zero_gradients() {
        let (mut sparse, mut dense) = (vec![0.0, 0.0], vec![0.0, 0.0]);
        let (mut a, mut b) = (Moments::new(2, 2), Moments::new(2, 2));
        a.row(1, &mut sparse, &[2.0], rate(1));
        b.row(1, &mut dense, &[2.0], rate(1));
        for step in 2..6 {
            b.row(1, &mut dense, &[0.0], rate(step));
        }
        a.row(1, &mut sparse, &[1.0], rate(6));
        b.row(1, &mut dense, &[1.0], rate(6));
        assert!((a.first[1] - b.first[1]).abs() < 1e-6 && (a.second[1] - b.second[1]).abs() < 1e-6);
        assert_eq!((sparse[0], a.first[0]), (0.0, 0.0));
    }
}
