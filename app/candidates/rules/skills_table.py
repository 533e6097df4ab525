"""The skills gazetteer: `Name=alias,alias; …`.

A leading `!` marks names that are everyday words or letters: they count in lists of skills, never
in running text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

SKILLS = """
Python=파이썬,python3,파이선; Java=자바; JavaScript=자바스크립트,js,es6,ecmascript; TypeScript=타입스크립트;
Kotlin=코틀린; !Swift=스위프트; !Go=golang,고랭; !Rust=러스트;
C++=cpp,c/c++; !C=c언어; C#=csharp,씨샵; Objective-C=objectivec; Ruby=루비; PHP; Perl; Scala=스칼라;
Haskell; Erlang; Elixir; Clojure; F#; !Dart=다트; Lua; !Julia; MATLAB=매트랩;
!R=r언어; SAS; SPSS; Stata; Fortran; COBOL; Assembly=어셈블리; VBA; Visual Basic=vb,vb.net; Groovy;
Bash=shell,shell script,쉘 스크립트,셸 스크립트,shell scripting; PowerShell; SQL; PL/SQL=plsql; T-SQL;
Solidity; Verilog; VHDL; SystemVerilog; WebAssembly=wasm; Zig; OCaml; Delphi; ABAP; Apex;
!Scratch; HTML=html5; CSS=css3; HTML/CSS; Sass=scss; !Less; XML; JSON; YAML; LaTeX; Markdown;
GraphQL; CUDA; OpenCL; Prolog; Lisp; !Move;
React=react.js,reactjs,리액트; React Native=리액트 네이티브; Next.js=nextjs; Vue.js=vue,vuejs,뷰;
Nuxt.js=nuxt; Angular=angularjs,앵귤러; Svelte=sveltekit; jQuery; Redux=redux toolkit; MobX; Recoil;
Zustand; React Query=tanstack query; Tailwind CSS=tailwind,tailwindcss; Bootstrap;
Material UI=mui; styled-components; Emotion; Webpack; Vite; Babel; ESLint; Storybook; Three.js;
D3.js=d3; WebGL; WebRTC; WebSocket=websockets,웹소켓; PWA; Electron; Gatsby; Remix; Ember.js;
Backbone.js; Alpine.js; HTMX; Handlebars; Vuex; Pinia; Rollup; Turborepo; Astro; SEO=검색엔진최적화;
Web Accessibility=웹 접근성,wcag; Responsive Design=반응형 웹,responsive web design;
Node.js=nodejs,node,노드; Express=express.js,expressjs; NestJS=nest.js; Fastify; Koa; Deno; Bun;
Django=장고; Django REST Framework=drf; Flask=플라스크; FastAPI; asyncio; Celery; SQLAlchemy; Pydantic;
Tornado; aiohttp; Spring=스프링,spring framework; Spring Boot=스프링부트,스프링 부트; Spring MVC;
Spring Security; Spring Cloud; Spring Batch; Spring Data JPA; Spring WebFlux=webflux; JPA;
Hibernate; QueryDSL; MyBatis=ibatis; JSP; Servlet; Thymeleaf; Ruby on Rails=rails; Laravel;
Symfony; CodeIgniter; ASP.NET=asp.net core; .NET=dotnet,.net core,닷넷; Entity Framework; WPF;
WinForms; Gin; Echo; Fiber; Ktor; Vert.x; Quarkus; Micronaut; Phoenix; Actix; Axum; gRPC;
REST API=rest apis,restful api,restful apis,rest,restful; API Design=api 설계; OpenAPI=swagger;
OAuth=oauth2,oauth 2.0; JWT; Protobuf=protocol buffers; SOAP; Prisma; TypeORM; Sequelize;
Apollo=apollo graphql; tRPC; Socket.IO; Netty; Akka; Gunicorn; Uvicorn; Nginx; Apache;
Apache Tomcat=tomcat,톰캣; IIS; HAProxy; Envoy; Kong; Istio;
PostgreSQL=postgres,포스트그레스; MySQL=마이에스큐엘; MariaDB; Oracle=오라클,oracle db;
SQL Server=mssql,ms-sql,ms sql; SQLite; MongoDB=몽고db; Redis=레디스; Cassandra; DynamoDB;
Elasticsearch=elastic search,엘라스틱서치; OpenSearch; Neo4j; CockroachDB; InfluxDB; TimescaleDB;
ClickHouse; Snowflake; BigQuery=빅쿼리; Redshift; Hive; HBase; Presto; Trino; Databricks; Memcached;
Couchbase; Firebase=파이어베이스; Firestore; Supabase; NoSQL; Milvus; Pinecone; pgvector; Weaviate;
FAISS; Qdrant; Solr; Lucene; Tibero=티베로; Altibase; DB2; SAP HANA; Teradata; Vertica; Druid;
Greenplum; Database Optimization=db 튜닝,query optimization,쿼리 튜닝,쿼리 최적화;
Database Design=db 설계,데이터베이스 설계,data modeling,데이터 모델링; RDBMS; ScyllaDB; Impala; !Ignite;
Kafka=apache kafka,카프카; RabbitMQ=래빗mq; ActiveMQ; NATS; SQS; SNS; Kinesis; Pub/Sub=google pub/sub;
ZeroMQ; MQTT; Pulsar; Debezium; Kafka Streams; ksqlDB; Spark=apache spark,pyspark,스파크; Hadoop=하둡;
Flink=apache flink; Airflow=apache airflow,에어플로우; Luigi; Prefect; Dagster; dbt; NiFi; Sqoop;
Beam=apache beam; Dask; Ray; Fivetran; Kafka Connect; Logstash; Fluentd; Kibana=키바나;
ELK=elk stack,elastic stack; Delta Lake; Iceberg; Parquet;
Data Warehousing=데이터 웨어하우스,data warehouse; ETL=elt; Data Pipeline=데이터 파이프라인,data pipelines;
Data Engineering=데이터 엔지니어링; Stream Processing; MapReduce; Great Expectations; Zookeeper;
Feature Store;
AWS=amazon web services,아마존 웹 서비스; EC2; ECS; EKS; S3; RDS; Lambda=aws lambda; CloudFront;
CloudFormation; CloudWatch; API Gateway; Route 53; IAM; VPC; Fargate; Aurora; Glue=aws glue;
Athena; SageMaker; Bedrock; Step Functions; GCP=google cloud,google cloud platform,구글 클라우드; GKE;
Cloud Run; Cloud Functions; Vertex AI; Azure=microsoft azure,애저; AKS; Azure DevOps;
Azure Functions; Naver Cloud=네이버 클라우드,ncp; Heroku; Vercel; Netlify; DigitalOcean; Cloudflare;
OpenStack; VMware; vSphere; Docker=도커; Docker Compose; Kubernetes=k8s,쿠버네티스; Helm; Terraform=테라폼;
Ansible; Puppet; !Chef; SaltStack; Pulumi; Packer; Vagrant; Jenkins=젠킨스; GitHub Actions;
GitLab CI=gitlab ci/cd; CircleCI; Travis CI; TeamCity; Bamboo; ArgoCD=argo cd; Spinnaker;
CI/CD=ci,cd; Prometheus=프로메테우스; Grafana=그라파나; Datadog; New Relic; Sentry; Splunk; PagerDuty;
OpenTelemetry; Jaeger; Zipkin; Nagios; Zabbix; Loki; Thanos; Linux=리눅스; Ubuntu; CentOS;
RHEL=red hat,red hat enterprise linux; Debian; Unix=유닉스; Windows Server; macOS; DevOps=데브옵스;
DevSecOps; GitOps; SRE=site reliability engineering; Infrastructure as Code=iac; Serverless=서버리스;
Load Balancing=로드 밸런싱; Monitoring=모니터링; Observability;
Incident Management=incident response,장애 대응; Cloud-native Development=cloud native,cloud-native;
Virtualization=가상화; Consul; Vault; Nomad; Rancher; OpenShift; Podman; containerd; KVM;
Networking=네트워크; TCP/IP; DNS; VPN; BGP; OSPF; Cisco; Juniper; Firewall=방화벽; Feature Flags;
Chaos Engineering; Capacity Planning; Crossplane; Kustomize; Nexus; SonarQube; Artifactory;
Karpenter; Cilium; eBPF;
Machine Learning=머신러닝,기계학습,ml; Deep Learning=딥러닝,심층학습;
NLP=natural language processing,자연어처리,자연어 처리; Computer Vision=컴퓨터 비전,컴퓨터비전,cv;
Reinforcement Learning=강화학습; LLM=llms,large language models,대규모 언어 모델;
RAG=retrieval augmented generation; Prompt Engineering=프롬프트 엔지니어링; Generative AI=생성형 ai,genai;
PyTorch=파이토치; TensorFlow=텐서플로,텐서플로우; Keras=케라스; JAX; scikit-learn=sklearn,사이킷런; XGBoost;
LightGBM; CatBoost; pandas=판다스; NumPy=넘파이; SciPy; Matplotlib; Seaborn; Plotly; OpenCV;
Hugging Face=huggingface,transformers; LangChain=랭체인; LangGraph; LlamaIndex; spaCy; NLTK; Gensim;
fastText; YOLO; ONNX; TensorRT; Triton; MLflow; Kubeflow; MLOps; Weights & Biases=wandb; DVC;
Jupyter=jupyter notebook; Anaconda; vLLM; DeepSpeed;
Recommender Systems=추천 시스템,recommendation systems; Time Series=시계열,time series analysis,시계열 분석;
Statistics=통계,통계학,statistical analysis,통계분석,통계 분석;
A/B Testing=ab testing,a/b 테스트,a/b test,ab 테스트; Data Analysis=데이터 분석,data analytics;
Data Science=데이터 사이언스; Data Visualization=데이터 시각화; Data Mining=데이터 마이닝;
Predictive Modeling=예측 모델링; Regression Analysis=회귀분석; Bayesian Statistics=베이지안;
Causal Inference=인과추론; Feature Engineering; Distributed Training; Model Compression;
Information Retrieval; Speech Recognition=음성 인식,음성인식; BERT; GPT; Stable Diffusion; Big Data=빅데이터;
Neural Networks=신경망; Transfer Learning; Polars; R Shiny=shiny; ggplot2; tidyverse; dplyr;
RStudio; KNIME; RapidMiner; Alteryx; Search=검색 엔진; ROS=ros2; SLAM; GIS=arcgis,qgis;
Tableau=태블로; Power BI=powerbi,파워bi,파워 bi; Looker=looker studio,루커; Metabase;
Superset=apache superset; Redash=리대시; Qlik=qlikview,qlik sense;
Google Analytics=ga,ga4,구글 애널리틱스,구글애널리틱스; Google Tag Manager=gtm; Amplitude=앰플리튜드; Mixpanel=믹스패널;
Segment; Hotjar; Braze; AppsFlyer; Adjust; Excel=ms excel,microsoft excel,엑셀,ms-excel;
Word=ms word,microsoft word,워드; PowerPoint=ms powerpoint,파워포인트,ppt;
MS Office=microsoft office,ms오피스,오피스,office 365,microsoft 365; Outlook; Access=ms access;
Google Sheets=구글 시트,스프레드시트; Google Workspace=g suite; 한글=hwp,아래아한글,한컴오피스; ERP;
SAP=sap erp,sap fi,sap mm,sap sd; CRM; Salesforce=세일즈포스; HubSpot; Marketo; Zendesk; ServiceNow;
Workday; NetSuite; QuickBooks; 더존=더존 erp,더존 smart a,douzone; Bloomberg Terminal; Crystal Reports;
Power Query; Power Automate; SharePoint; Airtable; Zapier; RPA; UiPath; Pivot Tables=피벗 테이블;
Android=안드로이드; iOS; Jetpack Compose; SwiftUI; UIKit; Flutter=플러터; RxJava; RxSwift; Combine;
Coroutines=코루틴,kotlin coroutines; Retrofit; Dagger; Hilt; Room; Core Data; Xamarin; Ionic;
Cordova; Unity=유니티; Unreal Engine=언리얼,언리얼 엔진,unreal; Godot; OpenGL; DirectX; Vulkan; Cocos2d;
Xcode; Android Studio; Fastlane; ARKit; ARCore; MVVM; MVC; MVP; Clean Architecture=클린 아키텍처;
Realm; Tuist; TCA;
Git=깃; GitHub=깃허브; GitLab=깃랩; Bitbucket; SVN=subversion; Mercurial; Perforce; Jira=지라;
Confluence=컨플루언스; Notion=노션; Slack=슬랙; Trello; Asana; Linear; Monday.com; Microsoft Teams=teams;
Zeplin=제플린; Postman; Insomnia; IntelliJ IDEA=intellij; Eclipse=이클립스; VS Code=visual studio code;
Visual Studio; PyCharm; Vim; Emacs; Gradle; Maven; Ant; npm; Yarn; pnpm; pip; Poetry; CMake;
Make; Bazel; GCC; LLVM; GDB; Valgrind; JUnit; Mockito; pytest; unittest; Jest; Mocha; Cypress;
Playwright; Selenium=셀레니움; Puppeteer; Testing Library; TestNG; Cucumber; Appium; JMeter; k6;
Locust; Gatling; Robot Framework; Unit Testing=단위 테스트,unit test;
Test Automation=테스트 자동화,automated testing; TDD=test driven development,test-driven development;
BDD; Code Review=코드 리뷰; Pair Programming; Agile=애자일,agile methodologies; Scrum=스크럼; Kanban=칸반;
Waterfall; SDLC; OOP=object oriented programming,object-oriented programming,객체지향,객체지향 프로그래밍;
Functional Programming=함수형 프로그래밍; DDD=domain driven design,domain-driven design,도메인 주도 설계;
Design Patterns=디자인 패턴;
Microservices=microservice,msa,마이크로서비스,microservices architecture,microservice architecture;
Distributed Systems=분산 시스템,분산시스템;
Event-driven Architecture=event driven architecture,event-driven systems,이벤트 기반 아키텍처;
System Design=시스템 설계; Software Architecture=소프트웨어 아키텍처; Algorithms=알고리즘; Data Structures=자료구조;
Concurrency=동시성; Multithreading=멀티스레딩; Performance Tuning=성능 최적화,performance optimization,성능 튜닝;
Caching=캐싱; Debugging=디버깅; Refactoring=리팩터링,리팩토링; Technical Writing; Open Source=오픈소스;
CRDT=crdts; Web Scraping=크롤링,웹 크롤링,web crawling; BeautifulSoup; Scrapy; CQRS; Event Sourcing;
Monorepo; Hexagonal Architecture=헥사고날 아키텍처;
Figma=피그마; Sketch=스케치; Adobe XD=xd; InVision; Framer; Photoshop=adobe photoshop,포토샵;
Illustrator=adobe illustrator,일러스트레이터,일러스트; InDesign=adobe indesign,인디자인;
After Effects=adobe after effects,애프터이펙트,애프터 이펙트;
Premiere Pro=adobe premiere,adobe premiere pro,프리미어,프리미어 프로,premiere; Lightroom;
Adobe Creative Suite=adobe creative cloud,어도비; Acrobat; Dreamweaver; Final Cut Pro=파이널컷;
DaVinci Resolve; Blender=블렌더; Maya; 3ds Max=3d max; Cinema 4D=c4d; ZBrush; Substance Painter;
Houdini; Rhino=라이노; SketchUp=스케치업; V-Ray; AutoCAD=오토캐드,auto cad; CAD; SolidWorks=솔리드웍스;
CATIA=카티아; Inventor; Creo; NX=siemens nx,ug nx; Revit; Fusion 360; ANSYS; Abaqus; COMSOL;
Simulink; LabVIEW=랩뷰; PLC; SCADA; PSpice; Altium=altium designer; OrCAD; KiCad; Cadence; Vivado;
Quartus; FPGA; ASIC; RTOS=freertos; ARM; Embedded C; Embedded Systems=임베디드,임베디드 시스템;
Firmware=펌웨어; Arduino=아두이노; Raspberry Pi=라즈베리파이; STM32; CAN=can 통신; AUTOSAR;
Device Drivers=디바이스 드라이버; PCB Design=pcb,pcb 설계; UX=ux design,ux 디자인,user experience;
UI=ui design,ui 디자인,user interface; UI/UX=ux/ui,ui/ux design,ux/ui 디자인;
UX Research=user research,사용자 조사,사용자 리서치,ux 리서치; Prototyping=프로토타이핑,프로토타입;
Wireframing=와이어프레임,wireframes; Usability Testing=사용성 테스트,ut;
Design Systems=디자인 시스템,design system; Interaction Design=인터랙션 디자인;
Information Architecture=정보 설계; Typography=타이포그래피; Branding=브랜딩; Graphic Design=그래픽 디자인;
Motion Graphics=모션 그래픽,모션그래픽; Video Editing=영상 편집,영상편집; Illustration; 3D Modeling=3d 모델링;
Procreate; CorelDRAW; Canva=캔바; Miro; ProtoPie=프로토파이; Principle; Design Thinking=디자인 씽킹;
Heuristic Evaluation; Personas=페르소나; Photography;
Project Management=프로젝트 관리; Product Management=프로덕트 관리,제품 관리; Program Management;
Roadmapping=roadmap,로드맵; Stakeholder Management=이해관계자 관리; Risk Management=위험 관리,리스크 관리;
Change Management; Business Analysis=비즈니스 분석; Requirements Analysis=요구사항 분석;
Strategic Planning=전략 기획,strategy,전략 수립; Business Development=사업 개발,사업개발;
Market Research=시장 조사,시장조사; Competitive Analysis; Financial Modeling=재무 모델링;
Financial Analysis=재무 분석,재무분석; Accounting=회계; Bookkeeping; Budgeting=예산 관리; Forecasting;
Auditing=감사; Taxation=세무; GAAP=us gaap; IFRS=k-ifrs; Valuation; M&A; Investment Analysis;
Payroll=급여; Procurement=구매; Supply Chain Management=scm,supply chain,공급망 관리; Logistics=물류;
Inventory Management=재고 관리,재고관리; Quality Control=품질 관리,품질관리,qc; Quality Assurance=qa,품질 보증;
Six Sigma=식스시그마; Lean=lean manufacturing; Kaizen; GMP=cgmp; ISO 9001; HACCP; OKR=okrs; KPI;
Digital Marketing=디지털 마케팅; Performance Marketing=퍼포먼스 마케팅; Content Marketing=콘텐츠 마케팅;
Social Media Marketing=sns 마케팅,소셜 미디어 마케팅,social media; Email Marketing; SEM;
Google Ads=google adwords,구글 애즈,구글애즈; Facebook Ads=meta ads,페이스북 광고; Copywriting=카피라이팅;
CRM Marketing=crm 마케팅; Growth Hacking=그로스 해킹; Brand Marketing=브랜드 마케팅; Public Relations=홍보;
Event Planning=행사 기획; Sales=영업; B2B=b2b sales,b2b 영업; Account Management; Negotiation=협상;
Customer Service=고객 응대,고객 서비스,cs; Customer Success; Lead Generation;
Recruiting=채용,recruitment,talent acquisition; Onboarding; Employee Relations;
Performance Management=성과 관리; Compensation & Benefits=comp & ben; HRIS; Labor Law=노동법,근로기준법;
Leadership=리더십; Communication=커뮤니케이션,communication skills,의사소통; Teamwork=팀워크,collaboration,협업;
Problem Solving=문제 해결,problem-solving; Critical Thinking; Time Management;
Presentation=프레젠테이션,public speaking,presentations; Mentoring=멘토링; Training=교육 기획; Research=리서치;
Writing; Editing; Proofreading; Translation=번역; Interpretation=통역; Teaching=강의;
Curriculum Development; Classroom Management; Lesson Planning; Data Entry;
Microsoft Project=ms project; Contract Management; Compliance=컴플라이언스; Legal Research;
Contract Drafting; Litigation; Intellectual Property=지식재산권; Patient Care=환자 간호; EMR=ehr,epic;
CPR; BLS; ACLS; Phlebotomy; Triage; Pharmacology; PCR; ELISA; Western Blot; Cell Culture=세포 배양;
HPLC; GC-MS; NMR; Flow Cytometry; CRISPR; Bioinformatics=생물정보학; Clinical Trials=임상시험;
GCP Compliance; Chromatography; Spectroscopy; SEM/TEM; Microscopy; Cost Reduction;
Process Improvement=프로세스 개선; Vendor Management; Operations Management; Facilities Management;
Cash Handling; Food Safety; Barista Skills; Point of Sale=pos;
Cybersecurity=사이버 보안,정보보안,information security,정보 보안; Penetration Testing=모의해킹,pentest;
Network Security=네트워크 보안; Application Security; OWASP; Burp Suite; Metasploit; Wireshark; Nmap;
SIEM; IDS/IPS=ids,ips; ISMS=isms-p; SOC; Encryption=암호화; PKI; Zero Trust;
Digital Forensics=포렌식,디지털 포렌식; Vulnerability Assessment=취약점 분석; Active Directory; LDAP; SSO;
SAML; Kali Linux; Reverse Engineering=리버스 엔지니어링; Blockchain=블록체인; Ethereum=이더리움;
Smart Contracts=스마트 컨트랙트; Web3; Hardhat; Hyperledger; IoT=사물인터넷; Robotics=로보틱스; Digital Twin; 5G;
LTE; Bluetooth=ble; Signal Processing=신호 처리,신호처리,dsp; Image Processing=영상 처리,이미지 처리;
Control Systems=제어 시스템; Power Electronics=전력전자; Battery=배터리; CFD; FEA=유한요소해석,fem; GD&T; CNC; CAM;
3D Printing=3d 프린팅; HVAC; P&ID; Aspen=aspen plus,aspen hysys; MES; Semiconductor Process=반도체 공정;
TCAD; VLSI; RTL=rtl design; UVM; Synopsys; JTAG; I2C; SPI; UART; Modbus; EtherCAT; OPC UA; HMI;
Primavera; BIM; Civil 3D; ETABS; SAP2000; MIDAS=마이다스; STAAD Pro; LCA;
"""


@dataclass(frozen=True, slots=True)
class Gazetteer:
    names: Mapping[str, str]
    everyday: frozenset[str]


@cache
def gazetteer() -> Gazetteer:
    names: dict[str, str] = {}
    everyday: set[str] = set()
    for entry in SKILLS.replace("\n", " ").split(";"):
        name, _, aliases = entry.strip().partition("=")
        if not name:
            continue
        weak, name = name.startswith("!"), name.lstrip("!")
        for word in (name, *(a.strip() for a in aliases.split(",") if a.strip())):
            names.setdefault(skill_key(word), name)
        if weak or len(name) == 1:
            everyday.add(skill_key(name))
    return Gazetteer(names, frozenset(everyday))


_UNWRITTEN = str.maketrans("", "", " -_.'’")


def skill_key(text: str) -> str:
    return text.casefold().translate(_UNWRITTEN)


def canonical(text: str) -> str | None:
    """The gazetteer's spelling, or None."""
    return gazetteer().names.get(skill_key(text.strip()))
