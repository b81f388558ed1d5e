"""What a name means when everybody knows it: `F` is torch.nn.functional. Data for the missing imports."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["PACKAGES", "candidates"]

MODULES: Mapping[str, tuple[str, ...]] = {
    "F": ("torch.nn.functional",),
    "nn": ("torch.nn",),
    "functional": ("torch.nn.functional",),
    "optim": ("torch.optim",),
    "autograd": ("torch.autograd",),
    "lr_scheduler": ("torch.optim.lr_scheduler",),
    "init": ("torch.nn.init",),
    "dist": ("torch.distributed",),
    "mp": ("torch.multiprocessing",),
    "cudnn": ("torch.backends.cudnn",),
    "torch": ("torch",),
    "torchvision": ("torchvision",),
    "torchaudio": ("torchaudio",),
    "torchcrf": ("torchcrf",),
    "torch_geometric": ("torch_geometric",),
    "pyg_nn": ("torch_geometric.nn",),
    "T": ("torchvision.transforms",),
    "transforms": ("torchvision.transforms",),
    "datasets": ("torchvision.datasets",),
    "models": ("torchvision.models",),
    "vutils": ("torchvision.utils",),
    "transformers": ("transformers",),
    "np": ("numpy",),
    "numpy": ("numpy",),
    "pd": ("pandas",),
    "plt": ("matplotlib.pyplot",),
    "mpl": ("matplotlib",),
    "sns": ("seaborn",),
    "sp": ("scipy",),
    "nx": ("networkx",),
    "tf": ("tensorflow",),
    "keras": ("keras",),
    "cv2": ("cv2",),
    "nltk": ("nltk",),
    "spacy": ("spacy",),
    "gym": ("gym",),
    "requests": ("requests",),
    "sklearn": ("sklearn",),
    "scipy": ("scipy",),
    "pl": ("pytorch_lightning",),
    "einops": ("einops",),
    "torchmetrics": ("torchmetrics",),
    "tqdm": ("tqdm:tqdm", "tqdm"),
    "time": ("time", "time:time"),
    "datetime": ("datetime:datetime", "datetime"),
    "copy": ("copy", "copy:copy"),
    "glob": ("glob", "glob:glob"),
    "random": ("random", "random:random"),
    "pprint": ("pprint:pprint", "pprint"),
}
"""Names of modules; where a name is also that of an object in it, what a call or an attribute shows decides."""

PACKAGES = frozenset(target.partition(":")[0].partition(".")[0] for targets in MODULES.values() for target in targets)
"""What these modules are parts of."""

STDLIB = (
    "argparse abc asyncio base64 bisect collections contextlib csv dataclasses decimal enum functools gc gzip hashlib heapq inspect io "
    "itertools json logging math multiprocessing operator os pathlib pickle platform queue re shutil statistics string struct subprocess "
    "sys tempfile textwrap threading traceback types typing unicodedata urllib uuid warnings zipfile"
)
"""Modules of the standard library whose names are hardly ever used for anything else."""

OBJECTS: Mapping[str, str] = {
    "collections": "Counter OrderedDict defaultdict deque namedtuple",
    "copy": "deepcopy",
    "functools": "partial reduce lru_cache wraps cached_property",
    "itertools": "chain product combinations permutations islice zip_longest accumulate groupby count cycle",
    "math": "sqrt ceil floor log pi",
    "pathlib": "Path",
    "dataclasses": "dataclass",
    "abc": "ABC abstractmethod",
    "enum": "Enum",
    "contextlib": "contextmanager nullcontext suppress",
    "typing": "List Dict Tuple Set Optional Union Any Callable Iterable Iterator Sequence Mapping NamedTuple TypeVar Generic Literal",
    "torch": (
        "Tensor tensor from_numpy randn rand randint randperm zeros ones arange linspace zeros_like ones_like randn_like cat stack matmul bmm "
        "einsum no_grad manual_seed sigmoid tanh"
    ),
    "torch.autograd": "Variable Function",
    "torch.amp": "autocast GradScaler",
    "torch.nn": (
        "Module ModuleList ModuleDict Sequential Parameter ParameterList Linear Bilinear Conv1d Conv2d Conv3d ConvTranspose1d "
        "ConvTranspose2d ConvTranspose3d MaxPool1d MaxPool2d AvgPool2d AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveMaxPool2d BatchNorm1d "
        "BatchNorm2d BatchNorm3d LayerNorm GroupNorm InstanceNorm2d Dropout Dropout2d Embedding EmbeddingBag RNN LSTM GRU RNNCell LSTMCell "
        "GRUCell ReLU LeakyReLU PReLU ELU GELU SiLU Sigmoid Tanh Softmax LogSoftmax Softplus Identity Flatten Unflatten Upsample "
        "PixelShuffle MultiheadAttention Transformer TransformerEncoder TransformerEncoderLayer TransformerDecoder "
        "TransformerDecoderLayer CrossEntropyLoss NLLLoss MSELoss L1Loss SmoothL1Loss HuberLoss BCELoss BCEWithLogitsLoss KLDivLoss "
        "CosineEmbeddingLoss TripletMarginLoss MarginRankingLoss CTCLoss DataParallel"
    ),
    "torch.nn.functional": (
        "relu leaky_relu elu gelu silu softplus softmax log_softmax logsigmoid cross_entropy nll_loss mse_loss l1_loss smooth_l1_loss "
        "binary_cross_entropy binary_cross_entropy_with_logits kl_div triplet_margin_loss cosine_embedding_loss ctc_loss gumbel_softmax "
        "max_pool1d max_pool2d avg_pool1d avg_pool2d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_max_pool2d interpolate one_hot "
        "cosine_similarity pairwise_distance scaled_dot_product_attention dropout pad layer_norm batch_norm conv1d conv2d conv_transpose2d grid_sample"
    ),
    "torch.distributions": "Categorical Normal MultivariateNormal Bernoulli Beta Dirichlet Multinomial OneHotCategorical kl_divergence",
    "torch.nn.utils": "clip_grad_norm_ clip_grad_value_ weight_norm spectral_norm",
    "torch.nn.utils.rnn": "pad_sequence pack_padded_sequence pad_packed_sequence pack_sequence PackedSequence",
    "torch.nn.parallel": "DistributedDataParallel",
    "torch.optim": "Adam AdamW SGD RMSprop Adagrad Adadelta Adamax NAdam RAdam LBFGS",
    "torch.optim.lr_scheduler": (
        "StepLR MultiStepLR ExponentialLR CosineAnnealingLR CosineAnnealingWarmRestarts ReduceLROnPlateau LambdaLR OneCycleLR CyclicLR"
    ),
    "torch.utils.data": (
        "Dataset DataLoader TensorDataset IterableDataset ConcatDataset Subset random_split Sampler SubsetRandomSampler "
        "WeightedRandomSampler RandomSampler SequentialSampler DistributedSampler"
    ),
    "torch.utils.tensorboard": "SummaryWriter",
    "torchvision.transforms": "Compose ToTensor Normalize Resize CenterCrop RandomCrop RandomHorizontalFlip ToPILImage",
    "torchvision.datasets": "MNIST FashionMNIST CIFAR10 CIFAR100 ImageFolder",
    "torchvision.models": "resnet18 resnet34 resnet50 resnet101 vgg16 alexnet densenet121 mobilenet_v2",
    "torchvision.utils": "make_grid save_image",
    "torchsummary": "summary",
    "torchcrf": "CRF",
    "torch_geometric.nn": (
        "GCNConv GATConv GATv2Conv SAGEConv GINConv ChebConv GraphConv MessagePassing global_mean_pool global_add_pool global_max_pool"
    ),
    "torch_geometric.data": "Data HeteroData",
    "torch_geometric.datasets": "Planetoid TUDataset KarateClub",
    "torch_geometric.utils": "add_self_loops degree to_networkx",
    "transformers": (
        "AutoModel AutoTokenizer AutoConfig AutoModelForCausalLM AutoModelForSequenceClassification AutoModelForTokenClassification "
        "AutoModelForMaskedLM AutoModelForSeq2SeqLM BertModel BertTokenizer BertTokenizerFast BertConfig BertForSequenceClassification "
        "BertForTokenClassification BertForMaskedLM GPT2Model GPT2Tokenizer GPT2LMHeadModel GPT2Config RobertaModel RobertaTokenizer "
        "DistilBertModel DistilBertTokenizer T5ForConditionalGeneration T5Tokenizer Trainer TrainingArguments pipeline "
        "DataCollatorWithPadding get_linear_schedule_with_warmup"
    ),
    "PIL": "Image",
    "tqdm": "trange",
    "sklearn.datasets": "load_iris load_digits load_wine load_breast_cancer make_moons make_classification make_regression make_blobs",
    "sklearn.model_selection": "train_test_split KFold StratifiedKFold GridSearchCV cross_val_score",
    "sklearn.metrics": "accuracy_score f1_score precision_score recall_score confusion_matrix classification_report roc_auc_score "
    "mean_squared_error",
    "sklearn.preprocessing": "StandardScaler MinMaxScaler LabelEncoder OneHotEncoder",
    "sklearn.feature_extraction.text": "CountVectorizer TfidfVectorizer",
}
"""Objects that are imported by name: module → names."""

ALIASES: Mapping[str, str] = {
    "DDP": "torch.nn.parallel:DistributedDataParallel",
    "Image": "PIL:Image",
}

BY_ATTRIBUTE: Mapping[str, Mapping[str, str]] = {
    "datasets": {"load_dataset": "datasets", "load_iris": "sklearn.datasets", "load_digits": "sklearn.datasets", "Planetoid": "torch_geometric.datasets"},
    "F": {"to_tensor": "torchvision.transforms.functional", "col": "pyspark.sql.functions"},
    "T": {"NormalizeFeatures": "torch_geometric.transforms", "ToUndirected": "torch_geometric.transforms"},
    "datetime": {"datetime": "datetime", "timedelta": "datetime", "date": "datetime"},
    "tqdm": {"tqdm": "tqdm", "trange": "tqdm", "notebook": "tqdm"},
    "pprint": {"pprint": "pprint"},
}  # fmt: skip
"""An attribute that shows which of several modules is meant."""

OBJECT_TARGETS = {name: f"{module}:{name}" for module, names in OBJECTS.items() for name in names.split()}


def candidates(name: str, *, attributes: frozenset[str], called: bool) -> list[str]:
    """What `name` conventionally stands for, likeliest first, as `module` or `module:object`.

    `attributes` are those the text reads from it; `called`: the text calls it. They decide between a module and an object of its name.
    """
    for attribute, target in BY_ATTRIBUTE.get(name, {}).items():
        if attribute in attributes:
            return [target]
    found = list(MODULES.get(name, ()))
    if name in STDLIB.split():
        found.append(name)
    if name in ALIASES:
        found.append(ALIASES[name])
    elif name in OBJECT_TARGETS:
        found.append(OBJECT_TARGETS[name])
    if attributes:
        return found
    objects = [target for target in found if ":" in target]
    return objects if called else objects + [target for target in found if ":" not in target]
