//! Many dimensions in a few: principal components (Pearson 1901), found one after the other by power iteration.

/// Steps towards a component; each brings it nearer by the ratio of the next variance to its own.
const STEPS: usize = 30;

/// Where points lie along their main directions: for each direction a column of numbers of mean 0. Points have all the same
/// number of dimensions; one without any lies in the middle. Directions without variance are left out.
pub(super) fn principal(points: &[&[f32]], most: usize) -> Vec<Vec<f64>> {
    let dims = points.iter().map(|point| point.len()).max().unwrap_or_default();
    let known = || points.iter().filter(|point| point.len() == dims);
    #[allow(clippy::cast_precision_loss, reason = "counts of visitors")]
    let count = known().count().max(1) as f64;
    let mut mean = vec![0.0; dims];
    known().for_each(|point| mean.iter_mut().zip(*point).for_each(|(sum, x)| *sum += f64::from(*x) / count));
    let mut left: Vec<Vec<f64>> = points
        .iter()
        .map(|point| point.iter().zip(&mean).map(|(x, mean)| f64::from(*x) - mean).collect())
        .map(|point: Vec<f64>| if point.len() == dims { point } else { vec![0.0; dims] })
        .collect();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let mut columns = Vec::new();
    while columns.len() < most.min(dims) {
        // The point that lies farthest out is in no component's shadow.
        let Some(far) = left.iter().max_by(|a, b| dot(a, a).total_cmp(&dot(b, b))) else { break };
        let mut direction = far.clone();
        for _ in 0..=STEPS {
            let length = dot(&direction, &direction).sqrt();
            if length < 1e-6 {
                return columns;
            }
            direction.iter_mut().for_each(|x| *x /= length);
            let mut next = vec![0.0; dims];
            for point in &left {
                let along = dot(point, &direction);
                next.iter_mut().zip(point).for_each(|(sum, x)| *sum += along * x);
            }
            direction = next;
        }
        let length = dot(&direction, &direction).sqrt();
        if length < 1e-12 {
            break;
        }
        direction.iter_mut().for_each(|x| *x /= length);
        let column: Vec<f64> = left.iter().map(|point| dot(point, &direction)).collect();
        for (point, along) in left.iter_mut().zip(&column) {
            point.iter_mut().zip(&direction).for_each(|(x, way)| *x -= along * way);
        }
        columns.push(column);
    }
    columns
}
