//! CUPED: a metric less what could be foretold of each visitor before the experiment (Deng, Xu, Kohavi and Walker,
//! "Improving the Sensitivity of Online Controlled Experiments by Utilizing Pre-Experiment Data", WSDM 2013, section
//! 3).

use serde::{Deserialize, Serialize};

use super::{Estimate, Moments, real};

/// Adjusted estimates of all variants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cuped {
    /// What the metric grows by for one unit of the covariate, from all variants together.
    pub theta: f64,
    /// The share of the variance that is gone: the squared correlation within variants.
    pub reduction: f64,
    /// One for each variant, in their order.
    pub estimates: Vec<Estimate>,
}

/// Estimates of a proportion or mean, adjusted by the companion of each visitor: a number known before the visitor
/// entered the experiment. None if a variant has fewer than two visitors, or the covariate or metric never varies.
#[must_use]
pub fn adjusted(variants: &[Moments]) -> Option<Cuped> {
    let within = variants.iter().fold((0.0, 0.0, 0.0), |sum, m| (sum.0 + m.yy, sum.1 + m.yx, sum.2 + m.xx));
    if within.0 <= 0.0 || within.2 <= 0.0 {
        return None;
    }
    let theta = within.1 / within.2;
    let all = variants.iter().fold(Moments::default(), |sum, moments| sum.merged(moments));
    let estimates = variants.iter().map(|moments| {
        let value = moments.y - theta * (moments.x - all.x);
        let variance = moments.residual(theta)? / real(moments.n);
        Some(Estimate { n: moments.n, value, variance })
    });
    Some(Cuped { theta, reduction: theta * within.1 / within.0, estimates: estimates.collect::<Option<_>>()? })
}
