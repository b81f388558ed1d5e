import torch


class Compose:
    def __init__(self, transforms):
        self.transforms = transforms

    def __call__(self, image):
        for transform in self.transforms:
            image = transform(image)
        return image


class Normalize:
    def __init__(self, mean, std):
        self.mean = torch.tensor(mean).view(-1, 1, 1)
        self.std = torch.tensor(std).view(-1, 1, 1)

    def __call__(self, image):
        return (image - self.mean) / self.std


class CenterCrop:
    def __init__(self, size):
        self.size = size

    def __call__(self, image):
        _, height, width = image.shape
        top, left = (height - self.size) // 2, (width - self.size) // 2
        return image[:, top:top + self.size, left:left + self.size]


pipeline = Compose([CenterCrop(4), Normalize([0.5, 0.5, 0.5], [0.2, 0.2, 0.2])])
image = torch.rand(3, 8, 8)
result = pipeline(image)
print(result.shape, result.mean().item())
