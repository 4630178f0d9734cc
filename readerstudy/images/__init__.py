"""What the images say without a reader: metrics, difference maps, radiomics, stability, scan times, figures."""
